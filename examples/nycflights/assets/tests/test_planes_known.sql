{{ define "profile.yaml" }}
    description: 'No airline but American and Envoy, which report fleet numbers, flies more than 10 % with unregistered planes'
{{ end }}
SELECT
    flights.carrier,
    COUNT(*) AS flights,
    CAST(100.0 * COUNT(*) FILTER (WHERE NOT planes.is_registered) / COUNT(*) AS DECIMAL(5, 1)) AS unregistered_pct
FROM {{ Ref("dds.fct_flight") }} AS flights
INNER JOIN {{ Ref("dds.dim_plane") }} AS planes
    ON planes.tail_number = flights.tail_number
WHERE flights.carrier NOT IN ('AA', 'MQ')
GROUP BY flights.carrier
-- Of a few hundred flights, two planes that are not registered make a large share.
HAVING
    COUNT(*) >= 1000
    AND unregistered_pct > 10
