SELECT 1 AS id
{% if IsIncremental() %}
WHERE id > 0
