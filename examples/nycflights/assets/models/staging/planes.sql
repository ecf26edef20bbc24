{{ define "profile.yaml" }}
    description: 'The register of 3,322 planes, with the spellings of the manufacturers merged'
    materialization: view
    tests:
      - name: test_planes_tail_number_unique
{{ end }}
SELECT
    tailnum AS tail_number,
    CAST(year AS INTEGER) AS built_year,
    -- "AIRBUS" and "AIRBUS INDUSTRIE" are one maker, so are the three spellings of McDonnell Douglas.
    CASE
        WHEN manufacturer LIKE 'AIRBUS%' THEN 'Airbus'
        WHEN manufacturer LIKE 'MCDONNELL DOUGLAS%' THEN 'McDonnell Douglas'
        WHEN manufacturer LIKE 'CANADAIR%' THEN 'Canadair'
        WHEN manufacturer LIKE 'BOMBARDIER%' THEN 'Bombardier'
        ELSE UPPER(manufacturer[1]) || LOWER(manufacturer[2:])
    END AS manufacturer,
    model,
    CAST(seats AS INTEGER) AS seats,
    engine AS engine_type
FROM read_parquet('data/planes.parquet')
ORDER BY tail_number
