{{ define "profile.yaml" }}
    name: test_dim_address
{{ end }}
SELECT address, count(*) AS times FROM {{ Ref("dds.dim_address") }} WHERE address IS NOT NULL GROUP BY address HAVING count(*) > 1
