{{ define "profile.yaml" }}
materialization: view
{{ end }}
