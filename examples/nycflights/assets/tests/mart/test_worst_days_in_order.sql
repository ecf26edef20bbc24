{{ define "profile.yaml" }}
    description: 'A better day never stands above a worse one'
{{ end }}
SELECT
    place,
    flight_date,
    disrupted_pct
FROM {{ Ref("mart.worst_days") }}
QUALIFY disrupted_pct > LAG(disrupted_pct) OVER (ORDER BY place)
