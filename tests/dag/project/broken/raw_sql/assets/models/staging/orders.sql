{{ define "profile.yaml" }}
materialization: raw
{{ end }}
SELECT 1 AS id
