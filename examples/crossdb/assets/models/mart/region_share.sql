{{ define "profile.yaml" }}
connection: shop
description: Each region's part of the revenue; the rows come from Python.
persist_inputs: true
{{ end }}
SELECT region, customers, revenue, round(100 * revenue / sum(revenue) OVER (), 1) AS percent
FROM {{ Ref("mart.regions") }}
ORDER BY region
