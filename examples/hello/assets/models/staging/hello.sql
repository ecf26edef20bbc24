{{ define "profile.yaml" }}
    description: 'One greeting, made up on the spot'
    materialization: table
    is_data_framed: false
    tests:
      - name: test_hello_exists
{{ end }}
SELECT 'Hello' as greeting, 1 as id
