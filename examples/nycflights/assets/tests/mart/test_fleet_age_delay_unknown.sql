{{ define "profile.yaml" }}
    description: 'Each age band is there once, and planes of unknown age fly at most a quarter of the flights'
{{ end }}
SELECT
    plane_age_years,
    COUNT(*) AS row_count,
    SUM(share_of_flights_pct) AS share_of_flights_pct
FROM {{ Ref("mart.fleet_age_delay") }}
GROUP BY plane_age_years
HAVING
    COUNT(*) > 1
    OR (plane_age_years = 'unknown' AND SUM(share_of_flights_pct) > 25)
