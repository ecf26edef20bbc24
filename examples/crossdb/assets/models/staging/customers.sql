{{ define "profile.yaml" }}
connection: shop
description: The shop's customers, as its PostgreSQL has them.
is_data_framed: true
primary_key_fields: [customer_id]
tests:
  - name: customers_have_an_email
{{ end }}
SELECT
  n AS customer_id,
  'customer' || n || '@example.com' AS email,
  (ARRAY['north', 'south', 'east', 'west'])[1 + n % 4] AS region,
  timestamptz '2024-01-01 00:00:00+00' + n * interval '7 hours' AS joined_at
FROM generate_series(1, 500) AS n
