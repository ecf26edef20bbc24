{{ define "profile.yaml" }}
    description: 'Which airline is late, by how much, and how much of it is made up in the air'
    materialization: table
    primary_key_fields:
      - carrier
    tests:
      - name: test_carrier_delay_percentages
{{ end }}
SELECT
    flights.carrier,
    airlines.airline,
    CAST(COUNT(*) AS INTEGER) AS flights,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.status = 'cancelled') / COUNT(*) AS DECIMAL(5, 1)) AS cancelled_pct,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct,
    CAST(AVG(flights.dep_delay_min) AS DECIMAL(5, 1)) AS mean_dep_delay_min,
    CAST(AVG(flights.arr_delay_min) AS DECIMAL(5, 1)) AS mean_arr_delay_min,
    -- The mean is pulled up by a few very late flights; most flights are early.
    CAST(MEDIAN(flights.arr_delay_min) AS DECIMAL(5, 1)) AS median_arr_delay_min,
    CAST(QUANTILE_CONT(flights.arr_delay_min, 0.95) AS DECIMAL(5, 1)) AS p95_arr_delay_min,
    -- NULL for a flight that did not arrive, so both delays are of the same flights.
    CAST(AVG(flights.dep_delay_min - flights.arr_delay_min) AS DECIMAL(5, 1)) AS made_up_in_air_min
FROM {{ Ref("dds.fct_flight") }} AS flights
INNER JOIN {{ Ref("dds.dim_airline") }} AS airlines
    ON airlines.carrier = flights.carrier
GROUP BY
    flights.carrier,
    airlines.airline
ORDER BY
    mean_arr_delay_min DESC,
    flights.carrier
