SELECT 1 AS id,
  '{{ TaskID.day }}' AS task
