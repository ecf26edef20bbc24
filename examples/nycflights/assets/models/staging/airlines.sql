{{ define "profile.yaml" }}
    description: 'The 16 airlines, with names short enough for a chart'
    materialization: view
{{ end }}
SELECT
    carrier,
    -- "United Air Lines Inc." -> "United Air Lines"
    REGEXP_REPLACE(name, ' (Inc\.|Co\.|Corporation)$', '') AS airline
FROM read_parquet('data/airlines.parquet')
ORDER BY carrier
