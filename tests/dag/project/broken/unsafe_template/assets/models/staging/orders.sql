SELECT '{{ TaskID.__class__ }}' AS id
