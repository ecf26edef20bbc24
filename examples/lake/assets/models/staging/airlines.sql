{{ define "profile.yaml" }}
connection: desk
description: The names of the 16 airlines; they stay in DuckDB, where the scorecard is.
{{ end }}
SELECT carrier, name AS airline
FROM read_parquet('../nycflights/data/airlines.parquet')
