{{ define "profile.yaml" }}
    description: 'How often each greeting was said'
    materialization: table
    tests:
      - name: test_world_count
      - name: test_world_greeting_unique
{{ end }}
SELECT
    greeting,
    COUNT(*) AS count
FROM {{ Ref("staging.hello") }}
GROUP BY greeting
ORDER BY greeting
