{{ define "profile.yaml" }}
    materialization: view
    tests:
      - name: dds.test_dim_address
        description: No address is there twice
        connection: default
{{ end }}
SELECT DISTINCT wallet_id, address FROM {{ Ref("staging.addresses") }}
