{{ define "profile.yaml" }}
is_data_framed: yes please
{{ end }}
SELECT 1 AS id
