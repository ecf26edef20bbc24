{{ define "profile.yaml" }}
connection: desk
description: The cluster's figures are those that DuckDB gets from the same rows.
{{ end }}
SELECT scorecard.carrier, scorecard.flights, scorecard.mean_arr_delay_min, here.flights, here.mean_arr_delay_min
FROM {{ Ref("mart.scorecard") }} AS scorecard
FULL JOIN (
  SELECT carrier, count(*) AS flights, avg(arr_delay_min)::DECIMAL(5, 1) AS mean_arr_delay_min
  FROM {{ Ref("staging.flights") }}
  GROUP BY carrier
) AS here USING (carrier)
WHERE (scorecard.flights, scorecard.mean_arr_delay_min) IS DISTINCT FROM (here.flights, here.mean_arr_delay_min)
