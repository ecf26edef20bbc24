{{ define "profile.yaml" }}
connection: shop
description: What each customer is worth, back in the shop's database for its own application.
persist_inputs: true
primary_key_fields: [customer_id]
indexes:
  - name: customer_value_by_rank
    unique: true
    fields: [place, customer_id]
tests:
  - name: every_customer_has_a_value
{{ end }}
SELECT
  customer_id,
  revenue,
  rank() OVER (ORDER BY revenue DESC) AS place,
  now() AS computed_at
FROM {{ Ref("dds.customer_revenue") }}
