SELECT * FROM {{ Ref("staging.orders") }} WHERE id IS NULL; SELECT 2;
