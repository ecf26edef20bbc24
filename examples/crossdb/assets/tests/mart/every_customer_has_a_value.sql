{{ define "profile.yaml" }}
connection: shop
description: No customer is lost between the two databases.
{{ end }}
SELECT customer_id FROM {{ Ref("staging.customers") }}
EXCEPT
SELECT customer_id FROM {{ Ref("mart.customer_value") }}
