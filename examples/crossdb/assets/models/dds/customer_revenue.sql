{{ define "profile.yaml" }}
description: Orders of the lake beside customers of the shop, whose rows cross over for it.
persist_inputs: true
is_data_framed: true
{{ end }}
SELECT
  customers.customer_id,
  customers.email,
  count(*) AS orders,
  sum(orders.amount)::DECIMAL(18, 2) AS revenue,
  max(orders.ordered_on) AS last_order
FROM {{ Ref("staging.customers") }} AS customers
JOIN {{ Ref("staging.orders") }} AS orders USING (customer_id)
GROUP BY ALL
ORDER BY customer_id
