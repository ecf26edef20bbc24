{{ define "profile.yaml" }}
    description: 'Each New York airport on each day: how much went wrong, and the weather it went wrong in'
    materialization: table
    primary_key_fields:
      - flight_date
      - origin
    tests:
      - name: test_airport_day_complete
{{ end }}
-- Both sides are brought to one row for a day before they are joined, or each flight would count once an hour.
WITH flights AS (
    SELECT
        flight_date,
        origin,
        CAST(COUNT(*) AS INTEGER) AS flights,
        CAST(COUNT(*) FILTER (WHERE status = 'cancelled') AS INTEGER) AS cancelled,
        CAST(COUNT(*) FILTER (WHERE arr_delay_min >= 60) AS INTEGER) AS hour_or_more_late,
        CAST(COALESCE(SUM(dep_delay_min), 0) AS INTEGER) AS total_dep_delay_min,
        CAST(COUNT(dep_delay_min) AS INTEGER) AS departed
    FROM {{ Ref("dds.fct_flight") }}
    GROUP BY
        flight_date,
        origin
),

weather AS (
    SELECT
        CAST(local_hour AS DATE) AS weather_date,
        origin,
        CAST(SUM(precipitation_in) AS DECIMAL(5, 2)) AS precipitation_in,
        MIN(visibility_mi) AS lowest_visibility_mi,
        MAX(wind_mph) AS strongest_wind_mph
    FROM {{ Ref("dds.weather_hour") }}
    GROUP BY
        weather_date,
        origin
)

SELECT
    flights.flight_date,
    flights.origin,
    flights.flights,
    flights.cancelled,
    flights.hour_or_more_late,
    flights.departed,
    flights.total_dep_delay_min,
    weather.precipitation_in,
    weather.lowest_visibility_mi,
    weather.strongest_wind_mph
FROM flights
-- The weather of the last day of the year is missing: those days stay, with empty weather.
LEFT JOIN weather
    ON weather.weather_date = flights.flight_date
    AND weather.origin = flights.origin
ORDER BY
    flights.flight_date,
    flights.origin
