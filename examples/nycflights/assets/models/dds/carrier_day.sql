{{ define "profile.yaml" }}
    description: 'Each airline on each day: flights, cancellations, and punctuality'
    materialization: table
    # Handed on as an Arrow table to mart.late_streaks, which is Python.
    is_data_framed: true
    primary_key_fields:
      - carrier
      - flight_date
    tests:
      - name: test_carrier_day_adds_up
{{ end }}
SELECT
    flights.carrier,
    airlines.airline,
    flights.flight_date,
    CAST(COUNT(*) AS INTEGER) AS flights,
    CAST(COUNT(*) FILTER (WHERE flights.status = 'cancelled') AS INTEGER) AS cancelled,
    CAST(COUNT(*) FILTER (WHERE flights.is_on_time) AS INTEGER) AS on_time,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct,
    CAST(AVG(flights.arr_delay_min) AS DECIMAL(6, 1)) AS mean_arr_delay_min
FROM {{ Ref("dds.fct_flight") }} AS flights
INNER JOIN {{ Ref("dds.dim_airline") }} AS airlines
    ON airlines.carrier = flights.carrier
GROUP BY
    flights.carrier,
    airlines.airline,
    flights.flight_date
ORDER BY
    flights.carrier,
    flights.flight_date
