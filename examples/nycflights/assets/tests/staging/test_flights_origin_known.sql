{{ define "profile.yaml" }}
    description: 'Every flight leaves from Newark, Kennedy, or LaGuardia'
{{ end }}
SELECT
    origin,
    COUNT(*) AS flights
FROM {{ Ref("staging.flights") }}
WHERE
    origin IS NULL
    OR origin NOT IN ('EWR', 'JFK', 'LGA')
GROUP BY origin
