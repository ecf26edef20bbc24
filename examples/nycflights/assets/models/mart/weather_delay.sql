{{ define "profile.yaml" }}
    description: 'What each kind of weather at the scheduled hour does to departures'
    materialization: view
    tests:
      - name: test_weather_delay_counts_every_flight
{{ end }}
SELECT
    -- 1,556 flights have no weather record for their hour, half of them on the last day of the year.
    COALESCE(weather.conditions, 'not recorded') AS conditions,
    CAST(COUNT(*) AS INTEGER) AS flights,
    CAST(100.0 * COUNT(*) / SUM(COUNT(*)) OVER () AS DECIMAL(5, 1)) AS share_of_flights_pct,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.status = 'cancelled') / COUNT(*) AS DECIMAL(5, 1)) AS cancelled_pct,
    CAST(100.0 * COUNT(*) FILTER (WHERE flights.is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct,
    CAST(AVG(flights.dep_delay_min) AS DECIMAL(5, 1)) AS mean_dep_delay_min,
    CAST(QUANTILE_CONT(flights.dep_delay_min, 0.90) AS DECIMAL(5, 1)) AS p90_dep_delay_min
FROM {{ Ref("dds.fct_flight") }} AS flights
-- On the instant, not on the local hour: that one is there twice on the night the clocks go back.
LEFT JOIN {{ Ref("dds.weather_hour") }} AS weather
    ON weather.origin = flights.origin
    AND weather.time_hour = flights.time_hour
GROUP BY ALL
ORDER BY
    mean_dep_delay_min DESC,
    conditions
