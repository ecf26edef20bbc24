{{ define "profile.yaml" }}
    description: 'No load has added a flight that was there already'
{{ end }}
SELECT
    flight_date,
    carrier,
    flight_number,
    origin,
    COUNT(*) AS row_count
FROM {{ Ref("dds.fct_flight") }}
GROUP BY
    flight_date,
    carrier,
    flight_number,
    origin
HAVING COUNT(*) > 1
