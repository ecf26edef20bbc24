{{ define "profile.yaml" }}
primary_key_fields: [id]
indexes:
  - name: by_day
    fields: [day]
{{ end }}
SELECT 1 AS id, 2 AS day
