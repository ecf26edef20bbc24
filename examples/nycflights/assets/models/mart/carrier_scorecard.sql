{{ define "profile.yaml" }}
    description: 'The airlines from best to worst: punctuality, cancellations, and their longest run of bad days'
    materialization: table
    is_data_framed: true
    # mart.late_streaks is Python and has no relation of its own: its frame is written into this database first, and
    # Ref gives the name it was written under.
    persist_inputs: true
    primary_key_fields:
      - carrier
    tests:
      - name: test_carrier_scorecard_complete
{{ end }}
WITH streaks AS (
    SELECT
        carrier,
        CAST(COUNT(*) AS INTEGER) AS late_streaks,
        CAST(MAX(days) AS INTEGER) AS longest_streak_days,
        -- The earlier one of two that are equally long.
        ARG_MAX(first_day, (days, -EPOCH(first_day))) AS longest_streak_from
    FROM {{ Ref("mart.late_streaks") }}
    GROUP BY carrier
)

SELECT
    CAST(RANK() OVER (ORDER BY delays.on_time_pct DESC) AS INTEGER) AS place,
    delays.carrier,
    delays.airline,
    delays.flights,
    delays.on_time_pct,
    delays.cancelled_pct,
    delays.mean_arr_delay_min,
    -- An airline without a bad streak has no row there.
    COALESCE(streaks.late_streaks, 0) AS late_streaks,
    COALESCE(streaks.longest_streak_days, 0) AS longest_streak_days,
    streaks.longest_streak_from
FROM {{ Ref("mart.carrier_delay") }} AS delays
LEFT JOIN streaks
    ON streaks.carrier = delays.carrier
ORDER BY
    place,
    delays.carrier
