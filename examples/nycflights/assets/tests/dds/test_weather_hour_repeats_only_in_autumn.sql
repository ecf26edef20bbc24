{{ define "profile.yaml" }}
    description: 'A local hour is there twice only on 3 November 2013 at one, when the clocks go back'
{{ end }}
SELECT
    origin,
    local_hour,
    COUNT(*) AS row_count
FROM {{ Ref("dds.weather_hour") }}
WHERE local_hour <> TIMESTAMP '2013-11-03 01:00:00'
GROUP BY
    origin,
    local_hour
HAVING COUNT(*) > 1
