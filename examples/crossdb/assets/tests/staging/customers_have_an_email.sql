{{ define "profile.yaml" }}
connection: shop
{{ end }}
SELECT * FROM {{ Ref("staging.customers") }} WHERE email IS NULL OR email NOT LIKE '%@%'
