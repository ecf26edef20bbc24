{{ define "profile.yaml" }}
    description: 'The shares of cancelled and on-time flights fit into 100 %'
{{ end }}
SELECT
    carrier,
    cancelled_pct,
    on_time_pct
FROM {{ Ref("mart.carrier_delay") }}
-- Each is rounded to a tenth, so together they may be a tenth over.
WHERE
    cancelled_pct < 0
    OR on_time_pct < 0
    OR cancelled_pct + on_time_pct > 100.1
