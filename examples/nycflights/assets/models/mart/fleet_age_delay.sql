{{ define "profile.yaml" }}
    description: 'Are old planes late? Delay by age of the plane, as it is and against the same airline''s average'
    materialization: table
    tests:
      - name: test_fleet_age_delay_unknown
{{ end }}
WITH flights AS (
    SELECT
        flights.tail_number,
        planes.age_years,
        flights.is_on_time,
        flights.arr_delay_min,
        -- Old planes fly for particular airlines. Against the airline's own average, what is left is the plane.
        flights.arr_delay_min - AVG(flights.arr_delay_min) OVER (PARTITION BY flights.carrier) AS against_own_airline_min
    FROM {{ Ref("dds.fct_flight") }} AS flights
    LEFT JOIN {{ Ref("dds.dim_plane") }} AS planes
        ON planes.tail_number = flights.tail_number
)

SELECT
    CASE
        WHEN age_years IS NULL THEN 'unknown'
        WHEN age_years >= 25 THEN '25 and more'
        ELSE FORMAT('{} to {}', age_years // 5 * 5, age_years // 5 * 5 + 4)
    END AS plane_age_years,
    CAST(COUNT(DISTINCT tail_number) AS INTEGER) AS planes,
    CAST(COUNT(*) AS INTEGER) AS flights,
    CAST(100.0 * COUNT(*) / SUM(COUNT(*)) OVER () AS DECIMAL(5, 1)) AS share_of_flights_pct,
    CAST(100.0 * COUNT(*) FILTER (WHERE is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct,
    CAST(AVG(arr_delay_min) AS DECIMAL(5, 1)) AS mean_arr_delay_min,
    CAST(AVG(against_own_airline_min) AS DECIMAL(5, 1)) AS against_own_airline_min
FROM flights
GROUP BY plane_age_years
ORDER BY MIN(age_years) NULLS LAST
