{{ define "profile.yaml" }}
    description: 'Every airline has one line, and a streak has a first day'
{{ end }}
SELECT
    delays.carrier,
    scores.late_streaks,
    scores.longest_streak_from
FROM {{ Ref("mart.carrier_delay") }} AS delays
LEFT JOIN {{ Ref("mart.carrier_scorecard") }} AS scores
    ON scores.carrier = delays.carrier
WHERE
    scores.carrier IS NULL
    OR (scores.late_streaks > 0 AND scores.longest_streak_from IS NULL)
