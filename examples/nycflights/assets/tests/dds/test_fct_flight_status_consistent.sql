{{ define "profile.yaml" }}
    description: 'A completed flight has all its times, and only a completed one can be on time'
{{ end }}
SELECT
    flight_date,
    carrier,
    flight_number,
    origin,
    status,
    is_on_time,
    dep_delay_min,
    arr_delay_min,
    air_time_min
FROM {{ Ref("dds.fct_flight") }}
WHERE
    (status = 'completed' AND (dep_delay_min IS NULL OR arr_delay_min IS NULL OR air_time_min IS NULL))
    OR (status <> 'completed' AND (is_on_time OR arr_delay_min IS NOT NULL))
    OR (status = 'cancelled' AND dep_delay_min IS NOT NULL)
