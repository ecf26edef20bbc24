{{ define "profile.yaml" }}
description: Which airline is late, and by how much, reckoned on the cluster and handed back.
is_data_framed: true
tests:
  - name: carrier_delay_counts_every_flight
{{ end }}
SELECT
  carrier,
  count(*) AS flights,
  count_if(status = 'cancelled') AS cancelled,
  cast(avg(arr_delay_min) AS DECIMAL(5, 1)) AS mean_arr_delay_min,
  median(arr_delay_min) AS median_arr_delay_min,
  cast(100 * avg(cast(is_on_time AS INT)) AS DECIMAL(5, 1)) AS on_time_pct
FROM {{ Ref("dds.flight") }}
GROUP BY carrier
