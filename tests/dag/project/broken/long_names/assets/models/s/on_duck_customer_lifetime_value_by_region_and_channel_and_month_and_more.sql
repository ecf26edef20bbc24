{{ define "profile.yaml" }}
connection: duck
is_data_framed: true
indexes: [{name: customer_lifetime_value_by_region_and_channel_and_month_and_morecustomer_lifetime_value_by_region_and_channel_and_month_and_more, fields: [id]}]
{{ end }}
SELECT 1 AS id
