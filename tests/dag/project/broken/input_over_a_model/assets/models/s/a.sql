{{ define "profile.yaml" }}
is_data_framed: true
{{ end }}
SELECT 1 AS id
