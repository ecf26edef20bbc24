{{ define "profile.yaml" }}
indexes:
  - {name: b_c, fields: [id]}
{{ end }}
SELECT 1 AS id
