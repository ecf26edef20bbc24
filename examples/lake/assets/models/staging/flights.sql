{{ define "profile.yaml" }}
connection: desk
description: All 336,776 scheduled departures of 2013 from New York, on their way from a file into the lake.
is_data_framed: true
{{ end }}
SELECT
  make_date(year, month, day) AS flight_date,
  carrier,
  flight::INTEGER AS flight_number,
  tailnum AS tail_number,
  origin,
  dest,
  make_timestamp(year, month, day, hour, minute, 0.0) AS sched_dep_local,
  time_hour,
  dep_delay::INTEGER AS dep_delay_min,
  arr_delay::INTEGER AS arr_delay_min,
  distance::INTEGER AS distance_mi,
  dep_time IS NOT NULL AS has_departed
FROM read_parquet('../nycflights/data/flights.parquet')
