{{ define "profile.yaml" }}
    description: 'One row for each scheduled flight, loaded by whole days; parameter "through" stops earlier (YYYY-MM-DD)'
    materialization: incremental
    primary_key_fields:
      - flight_date
      - carrier
      - flight_number
      - origin
    indexes:
      - name: ix_fct_flight_tail_number
        unique: false
        fields:
          - tail_number
    tests:
      - name: test_fct_flight_unique
      - name: test_fct_flight_status_consistent
{{ end }}
SELECT
    flights.flight_date,
    flights.carrier,
    flights.flight_number,
    flights.tail_number,
    flights.origin,
    flights.dest,
    flights.sched_dep_local,
    flights.sched_dep_hour,
    flights.time_hour,
    flights.dep_delay_min,
    flights.arr_delay_min,
    flights.air_time_min,
    flights.distance_mi,
    -- The source has no column for this: a flight that never left has no times at all, one that left and has no
    -- arrival delay was diverted or turned back.
    CASE
        WHEN NOT flights.has_departed THEN 'cancelled'
        WHEN flights.arr_delay_min IS NULL THEN 'not completed'
        ELSE 'completed'
    END AS status,
    -- The usual definition in US statistics: less than 15 minutes late. A flight that did not get there was not on time.
    COALESCE(flights.arr_delay_min < 15, FALSE) AS is_on_time,
    -- Which run brought this row.
    '{{ TaskID | replace("'", "''") }}' AS loaded_by
FROM {{ Ref("staging.flights") }} AS flights
WHERE flights.flight_date <= CAST({{ param("through", "2013-12-31") }} AS DATE)
{% if IsIncremental() %}
    -- Days arrive whole, so everything after the last day that is here is new, and a second run adds nothing.
    AND flights.flight_date > (
        SELECT COALESCE(MAX(flight_date), DATE '1900-01-01')
        FROM {{ this() }}
    )
{% endif %}
ORDER BY
    flights.flight_date,
    flights.sched_dep_local,
    flights.carrier,
    flights.flight_number
