{{ define "profile.yaml" }}
materialization: view
{{ end }}
SELECT 1 WHERE false
