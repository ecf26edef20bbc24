{{ define "profile.yaml" }}
connection: shop
description: A view on the table above; it keeps working while the table is replaced.
materialization: view
{{ end }}
SELECT email, revenue, place
FROM {{ Ref("mart.customer_value") }}
JOIN {{ Ref("staging.customers") }} USING (customer_id)
WHERE place <= 10
