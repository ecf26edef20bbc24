{{ define "profile.yaml" }}
persist_inputs: true
{{ end }}
SELECT * FROM {{ Ref("shop.eu_orders") }}
UNION ALL SELECT * FROM {{ Ref("shop_eu.orders") }}
