{{ define "profile.yaml" }}
materialization: table
indexs: []
{{ end }}
SELECT 1 AS id
