{{ define "profile.yaml" }}
    description: 'All 336,776 scheduled departures of 2013 from Newark (EWR), Kennedy (JFK), and LaGuardia (LGA)'
    materialization: view
    tests:
      - name: test_flights_not_empty
      - name: test_flights_origin_known
      - name: test_flights_key_unique
      - name: test_flights_cancelled_have_no_times
{{ end }}
SELECT
    MAKE_DATE(year, month, day) AS flight_date,
    carrier,
    CAST(flight AS INTEGER) AS flight_number,
    tailnum AS tail_number,
    origin,
    dest,
    -- Scheduled, in New York's local time. The actual clock times are left out: they carry no date, midnight is
    -- written as 2400, and everything that can be asked of them is in the delays.
    MAKE_TIMESTAMP(year, month, day, hour, minute, 0.0) AS sched_dep_local,
    CAST(hour AS INTEGER) AS sched_dep_hour,
    -- The same hour as an instant: this is what weather is joined on, because one local hour happens twice a year.
    time_hour,
    CAST(dep_delay AS INTEGER) AS dep_delay_min,
    CAST(arr_delay AS INTEGER) AS arr_delay_min,
    CAST(air_time AS INTEGER) AS air_time_min,
    CAST(distance AS INTEGER) AS distance_mi,
    dep_time IS NOT NULL AS has_departed,
    arr_time IS NOT NULL AS has_arrival_time
FROM read_parquet('data/flights.parquet')
