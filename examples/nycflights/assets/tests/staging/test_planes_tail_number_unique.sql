{{ define "profile.yaml" }}
    description: 'The register has each plane once'
{{ end }}
SELECT
    tail_number,
    COUNT(*) AS row_count
FROM {{ Ref("staging.planes") }}
GROUP BY tail_number
HAVING COUNT(*) > 1
