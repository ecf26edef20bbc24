{{ define "profile.yaml" }}
connection: goose
{{ end }}
SELECT 1 AS id
