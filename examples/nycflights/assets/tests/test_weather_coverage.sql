{{ define "profile.yaml" }}
    description: 'At least 99 % of the flights have a weather record for their hour'
{{ end }}
SELECT
    conditions,
    flights,
    share_of_flights_pct
FROM {{ Ref("mart.weather_delay") }}
WHERE
    conditions = 'not recorded'
    AND share_of_flights_pct > 1.0
