{{ define "profile.yaml" }}
    description: 'The routes with the most flights; parameter "min_flights" is how many a route must have to be counted'
    materialization: table
    primary_key_fields:
      - origin
      - dest
    tests:
      - name: test_busiest_routes_ranked
{{ end }}
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, flights.origin, flights.dest) AS INTEGER) AS place,
    flights.origin,
    flights.dest,
    airports.airport_name AS destination,
    CAST(COUNT(*) AS INTEGER) AS flights,
    STRING_AGG(DISTINCT flights.carrier, ', ' ORDER BY flights.carrier) AS carriers,
    -- Two routes have distances that differ by a mile between flights.
    CAST(ROUND(AVG(flights.distance_mi)) AS INTEGER) AS distance_mi,
    CAST(AVG(flights.air_time_min) AS DECIMAL(5, 1)) AS mean_air_time_min,
    CAST(AVG(flights.arr_delay_min) AS DECIMAL(5, 1)) AS mean_arr_delay_min,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct
FROM {{ Ref("dds.fct_flight") }} AS flights
INNER JOIN {{ Ref("dds.dim_airport") }} AS airports
    ON airports.airport = flights.dest
GROUP BY
    flights.origin,
    flights.dest,
    airports.airport_name
HAVING COUNT(*) >= CAST({{ param("min_flights", 3000) }} AS INTEGER)
ORDER BY place
