SELECT 1 AS id,
  '{{ task_id }}' AS task
