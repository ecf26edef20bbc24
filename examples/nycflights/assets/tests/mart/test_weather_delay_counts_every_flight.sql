{{ define "profile.yaml" }}
    description: 'The join to the weather neither loses nor doubles a flight'
{{ end }}
SELECT
    counted.flights AS flights_in_mart,
    loaded.flights AS flights_loaded
FROM (
    SELECT SUM(flights) AS flights
    FROM {{ Ref("mart.weather_delay") }}
) AS counted
CROSS JOIN (
    SELECT COUNT(*) AS flights
    FROM {{ Ref("dds.fct_flight") }}
) AS loaded
WHERE counted.flights IS DISTINCT FROM loaded.flights
