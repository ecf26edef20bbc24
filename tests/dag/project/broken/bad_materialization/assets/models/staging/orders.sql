{{ define "profile.yaml" }}
materialization: tabel
{{ end }}
SELECT 1 AS id
