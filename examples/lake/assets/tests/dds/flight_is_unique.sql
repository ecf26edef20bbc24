{{ define "profile.yaml" }}
description: No flight came into the lake twice.
{{ end }}
SELECT flight_date, carrier, flight_number, origin, count(*) AS flights
FROM {{ Ref("dds.flight") }}
GROUP BY flight_date, carrier, flight_number, origin
HAVING count(*) > 1
