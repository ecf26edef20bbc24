{{ define "profile.yaml" }}
    description: 'No hourly wind is negative or stronger than 100 mph'
{{ end }}
SELECT
    origin,
    time_hour,
    wind_mph
FROM {{ Ref("staging.weather") }}
WHERE wind_mph NOT BETWEEN 0 AND 100
