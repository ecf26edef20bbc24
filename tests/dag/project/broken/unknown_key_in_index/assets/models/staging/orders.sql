{{ define "profile.yaml" }}
indexes:
  - name: by_id
    field: [id]
{{ end }}
SELECT 1 AS id
