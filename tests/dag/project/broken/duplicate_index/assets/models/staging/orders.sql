{{ define "profile.yaml" }}
indexes:
  - name: by_id
    fields: [id]
  - name: by_id
    fields: [id]
{{ end }}
SELECT 1 AS id
