{{ define "profile.yaml" }}
    description: 'One row for each airline'
    materialization: table
    primary_key_fields:
      - carrier
    indexes:
      - name: ix_dim_airline_airline
        unique: true
        fields:
          - airline
{{ end }}
SELECT
    carrier,
    airline
FROM {{ Ref("staging.airlines") }}
ORDER BY carrier
