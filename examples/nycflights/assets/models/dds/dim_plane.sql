{{ define "profile.yaml" }}
    description: 'One row for each tail number that flew, whether or not the register knows it'
    materialization: table
    primary_key_fields:
      - tail_number
    indexes:
      - name: ix_dim_plane_manufacturer
        unique: false
        fields:
          - manufacturer
{{ end }}
-- 721 of the 4,043 tail numbers are not in the register. Most are American's and Envoy's, which report fleet numbers
-- instead of tail numbers. They stay, as planes of unknown age.
SELECT
    flown.tail_number,
    planes.tail_number IS NOT NULL AS is_registered,
    planes.manufacturer,
    planes.model,
    planes.seats,
    planes.built_year,
    2013 - planes.built_year AS age_years
FROM (
    SELECT DISTINCT tail_number
    FROM {{ Ref("staging.flights") }}
    WHERE tail_number IS NOT NULL
) AS flown
LEFT JOIN {{ Ref("staging.planes") }} AS planes
    ON planes.tail_number = flown.tail_number
ORDER BY flown.tail_number
