{{ define "profile.yaml" }}
description: The days with most flights that were cancelled or an hour late; a view on the lake.
materialization: view
{{ end }}
SELECT
  flight_date,
  count(*) AS flights,
  count_if(status = 'cancelled') AS cancelled,
  count_if(dep_delay_min >= 60) AS hour_or_more_late
FROM {{ Ref("dds.flight") }}
GROUP BY flight_date
ORDER BY cancelled + hour_or_more_late DESC, flight_date
LIMIT 20
