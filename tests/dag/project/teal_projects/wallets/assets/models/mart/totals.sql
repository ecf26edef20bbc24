CREATE OR REPLACE TABLE {{ this() }} AS SELECT address, sum(amount) AS amount FROM {{ Ref("dds.fact_transaction") }} GROUP BY address;
SELECT d.wallet_id, sum(t.amount)::DECIMAL(10, 2) AS total
FROM {{ this() }} AS t JOIN {{ Ref("dds.dim_address") }} AS d ON d.address = t.address
GROUP BY d.wallet_id
ORDER BY d.wallet_id;
