{{ define "profile.yaml" }}
    description: 'Each greeting is counted once'
{{ end }}
SELECT
    greeting,
    COUNT(*) AS row_count
FROM {{ Ref("dds.world") }}
GROUP BY greeting
HAVING COUNT(*) > 1
