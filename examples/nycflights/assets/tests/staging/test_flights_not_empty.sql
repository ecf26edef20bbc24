{{ define "profile.yaml" }}
    description: 'The file with the flights was found and is not empty'
{{ end }}
SELECT COUNT(*) AS flights
FROM {{ Ref("staging.flights") }}
HAVING COUNT(*) = 0
