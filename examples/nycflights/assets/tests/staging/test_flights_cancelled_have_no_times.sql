{{ define "profile.yaml" }}
    description: 'A flight that never left has no delay, no arrival, and no time in the air'
{{ end }}
SELECT
    flight_date,
    carrier,
    flight_number,
    origin,
    dep_delay_min,
    arr_delay_min,
    air_time_min
FROM {{ Ref("staging.flights") }}
WHERE
    NOT has_departed
    AND (
        dep_delay_min IS NOT NULL
        OR arr_delay_min IS NOT NULL
        OR air_time_min IS NOT NULL
        OR has_arrival_time
    )
