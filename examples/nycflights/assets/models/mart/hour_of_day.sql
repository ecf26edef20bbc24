{{ define "profile.yaml" }}
    description: 'How delay builds up over the day, by the scheduled hour of departure'
    materialization: view
    is_data_framed: true
    tests:
      - name: test_hour_of_day_counts_every_flight
{{ end }}
SELECT
    sched_dep_hour,
    CAST(COUNT(*) AS INTEGER) AS flights,
    -- Empty at one in the morning: the only flight of that hour in the whole year was cancelled.
    CAST(AVG(dep_delay_min) AS DECIMAL(5, 1)) AS mean_dep_delay_min,
    CAST(MEDIAN(dep_delay_min) AS DECIMAL(5, 1)) AS median_dep_delay_min,
    CAST(QUANTILE_CONT(dep_delay_min, 0.90) AS DECIMAL(5, 1)) AS p90_dep_delay_min,
    CAST(100.0 * COUNT(*) FILTER (WHERE status = 'cancelled') / COUNT(*) AS DECIMAL(5, 1)) AS cancelled_pct,
    CAST(100.0 * COUNT(*) FILTER (WHERE is_on_time) / COUNT(*) AS DECIMAL(5, 1)) AS on_time_pct
FROM {{ Ref("dds.fct_flight") }}
GROUP BY sched_dep_hour
ORDER BY sched_dep_hour
