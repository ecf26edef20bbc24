SELECT *
FROM {{ Ref "staging.orders" }}
