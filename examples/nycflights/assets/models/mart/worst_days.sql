{{ define "profile.yaml" }}
    description: 'The days on which most flights were cancelled or an hour late; parameter "top_days" is how many to keep'
    materialization: table
    is_data_framed: true
    primary_key_fields:
      - flight_date
    tests:
      - name: test_worst_days_in_order
{{ end }}
SELECT
    CAST(ROW_NUMBER() OVER (ORDER BY disrupted_pct DESC, flight_date) AS INTEGER) AS place,
    flight_date,
    DAYNAME(flight_date) AS weekday,
    flights,
    cancelled,
    hour_or_more_late,
    disrupted_pct,
    mean_dep_delay_min,
    precipitation_in,
    lowest_visibility_mi,
    strongest_wind_mph
FROM (
    SELECT
        flight_date,
        CAST(SUM(flights) AS INTEGER) AS flights,
        CAST(SUM(cancelled) AS INTEGER) AS cancelled,
        CAST(SUM(hour_or_more_late) AS INTEGER) AS hour_or_more_late,
        CAST(100.0 * SUM(cancelled + hour_or_more_late) / SUM(flights) AS DECIMAL(5, 1)) AS disrupted_pct,
        -- The mean of three means would weigh a small airport like a large one; empty on a day without a departure.
        CAST(SUM(total_dep_delay_min) / NULLIF(SUM(departed), 0) AS DECIMAL(6, 1)) AS mean_dep_delay_min,
        MAX(precipitation_in) AS precipitation_in,
        MIN(lowest_visibility_mi) AS lowest_visibility_mi,
        MAX(strongest_wind_mph) AS strongest_wind_mph
    FROM {{ Ref("dds.airport_day") }}
    GROUP BY flight_date
) AS days
QUALIFY place <= CAST({{ param("top_days", 20) }} AS INTEGER)
ORDER BY place
