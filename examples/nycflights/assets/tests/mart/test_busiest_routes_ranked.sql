{{ define "profile.yaml" }}
    description: 'A route with more flights never stands below one with fewer'
{{ end }}
SELECT
    place,
    origin,
    dest,
    flights
FROM {{ Ref("mart.busiest_routes") }}
QUALIFY flights > LAG(flights) OVER (ORDER BY place)
