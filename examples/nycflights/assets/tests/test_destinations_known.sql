{{ define "profile.yaml" }}
    description: 'No flight goes to an airport that dds.dim_airport does not know'
{{ end }}
SELECT
    flights.dest,
    COUNT(*) AS flights
FROM {{ Ref("dds.fct_flight") }} AS flights
ANTI JOIN {{ Ref("dds.dim_airport") }} AS airports
    ON airports.airport = flights.dest
GROUP BY flights.dest
