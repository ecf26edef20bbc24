{{ define "profile.yaml" }}
    description: 'Each airport is there once: none of the added ones is in the source after all'
{{ end }}
SELECT
    airport,
    COUNT(*) AS row_count
FROM {{ Ref("dds.dim_airport") }}
GROUP BY airport
HAVING COUNT(*) > 1
