{{ define "profile.yaml" }}
description: One row for each scheduled flight, in a Delta table on the cluster.
persist_inputs: true
tests:
  - name: flight_is_unique
  - name: flight_status_is_consistent
{{ end }}
SELECT
  flight_date,
  carrier,
  flight_number,
  tail_number,
  origin,
  dest,
  sched_dep_local,
  dep_delay_min,
  arr_delay_min,
  distance_mi,
  CASE
    WHEN NOT has_departed THEN 'cancelled'
    WHEN arr_delay_min IS NULL THEN 'not completed'
    ELSE 'completed'
  END AS status,
  coalesce(arr_delay_min < 15, false) AS is_on_time
FROM {{ Ref("staging.flights") }}
