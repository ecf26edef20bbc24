{{ define "profile.yaml" }}
persist_inputs: true
indexes:
  - {name: éééééééééééééééééééééééééééééééé, fields: [id]}
{{ end }}
SELECT *
FROM {{ Ref("s.on_duck_customer_lifetime_value_by_region_and_channel_and_month_and_more") }}
