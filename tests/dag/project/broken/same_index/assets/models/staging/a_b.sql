{{ define "profile.yaml" }}
indexes:
  - {name: c, fields: [id]}
{{ end }}
SELECT 1 AS id
