{{ define "profile.yaml" }}
materialization: view
{{ end }}

SELECT 1 AS id, ';' AS mark -- a mark; not an end
;

-- left from trying it out
DROP VIEW staging.orders
