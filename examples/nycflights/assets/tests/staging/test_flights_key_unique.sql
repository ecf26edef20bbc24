{{ define "profile.yaml" }}
    description: 'Day, airline, flight number, and origin name one flight; without the origin they do not'
{{ end }}
SELECT
    flight_date,
    carrier,
    flight_number,
    origin,
    COUNT(*) AS row_count
FROM {{ Ref("staging.flights") }}
GROUP BY
    flight_date,
    carrier,
    flight_number,
    origin
HAVING COUNT(*) > 1
