{{ define "profile.yaml" }}
    description: 'The 1,458 airports, with three positions put right that the source has wrong'
    materialization: view
    tests:
      - name: test_airports_position_plausible
{{ end }}
SELECT
    faa AS airport,
    name AS airport_name,
    -- The source has Keene's (EEN) two coordinates swapped and the sign of three longitudes lost.
    CASE
        WHEN faa = 'EEN' THEN lon
        ELSE lat
    END AS latitude_deg,
    CASE
        WHEN faa = 'EEN' THEN -lat
        WHEN faa IN ('DVT', 'MYF') THEN -lon
        ELSE lon
    END AS longitude_deg,
    CAST(alt AS INTEGER) AS altitude_ft,
    tzone AS time_zone
FROM read_parquet('data/airports.parquet')
ORDER BY airport
