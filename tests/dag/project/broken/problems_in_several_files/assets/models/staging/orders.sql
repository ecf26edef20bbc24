SELECT '{{ task_id }}' AS id,
  1 AS one
