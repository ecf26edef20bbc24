{{ define "profile.yaml" }}
    description: 'The on-time league of the destinations; parameter "min_league_flights" is how many flights it takes to play'
    materialization: table
    is_data_framed: true
    primary_key_fields:
      - dest
    tests:
      - name: test_airport_league_places
{{ end }}
SELECT
    CAST(RANK() OVER (ORDER BY on_time_pct DESC) AS INTEGER) AS place,
    dest,
    destination,
    flights,
    on_time_pct,
    cancelled_pct,
    mean_arr_delay_min,
    latitude_deg,
    longitude_deg
FROM (
    SELECT
        flights.dest,
        airports.airport_name AS destination,
        airports.latitude_deg,
        airports.longitude_deg,
        CAST(COUNT(*) AS INTEGER) AS flights,
        CAST(100.0 * COUNT(*) FILTER (WHERE flights.is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct,
        CAST(100.0 * COUNT(*) FILTER (WHERE flights.status = 'cancelled') / COUNT(*) AS DECIMAL(5, 1)) AS cancelled_pct,
        CAST(AVG(flights.arr_delay_min) AS DECIMAL(5, 1)) AS mean_arr_delay_min
    FROM {{ Ref("dds.fct_flight") }} AS flights
    INNER JOIN {{ Ref("dds.dim_airport") }} AS airports
        ON airports.airport = flights.dest
    GROUP BY
        flights.dest,
        airports.airport_name,
        airports.latitude_deg,
        airports.longitude_deg
    -- A flight a day, unless the run says otherwise: a place with eight flights a year would win by luck.
    HAVING COUNT(*) >= CAST({{ param("min_league_flights", 365) }} AS INTEGER)
) AS destinations
ORDER BY
    place,
    dest
