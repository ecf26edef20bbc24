{{ define "profile.yaml" }}
    materialization: 'view'
{{ end }}
{{- /* all of them */ -}}
SELECT * FROM read_csv('store/flights.csv')
