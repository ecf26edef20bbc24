{{ define "profile.yaml" }}
connection: desk
description: The airlines by punctuality, in DuckDB again, where people and their tools read it.
persist_inputs: true
tests:
  - name: scorecard_agrees_with_duckdb
{{ end }}
SELECT
  rank() OVER (ORDER BY delays.on_time_pct DESC) AS place,
  airlines.airline,
  delays.*
FROM {{ Ref("mart.carrier_delay") }} AS delays
JOIN {{ Ref("staging.airlines") }} AS airlines USING (carrier)
ORDER BY place
