{{ define "profile.yaml" }}
persist_inputs: true
{{ end }}
SELECT * FROM {{ Ref("staging.rates") }}
