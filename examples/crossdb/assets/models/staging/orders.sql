{{ define "profile.yaml" }}
description: A year of orders, as they lie in the lake.
{{ end }}
SELECT
  range AS order_id,
  (1 + (range * 7919) % 500)::INTEGER AS customer_id,
  (5 + (range * 104729) % 20000 / 100)::DECIMAL(10, 2) AS amount,
  DATE '2025-01-01' + (range % 365)::INTEGER AS ordered_on
FROM range(20000)
