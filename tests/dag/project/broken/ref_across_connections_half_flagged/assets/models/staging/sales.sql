{{ define "profile.yaml" }}
connection: goose
{{ end }}
SELECT *
FROM {{ Ref("staging.orders") }}
