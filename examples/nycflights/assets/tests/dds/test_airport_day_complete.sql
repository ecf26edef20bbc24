{{ define "profile.yaml" }}
    description: 'No airport misses a day between the first and the last'
{{ end }}
SELECT
    origin,
    COUNT(*) AS days,
    MIN(flight_date) AS first_day,
    MAX(flight_date) AS last_day
FROM {{ Ref("dds.airport_day") }}
GROUP BY origin
HAVING COUNT(*) <> MAX(flight_date) - MIN(flight_date) + 1
