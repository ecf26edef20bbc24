{{ define "profile.yaml" }}
    description: 'Every flight of the source, up to the last loaded day, is in dds.fct_flight'
{{ end }}
SELECT
    flights.flight_date,
    flights.carrier,
    flights.flight_number,
    flights.origin
FROM {{ Ref("staging.flights") }} AS flights
ANTI JOIN {{ Ref("dds.fct_flight") }} AS loaded
    ON loaded.flight_date = flights.flight_date
    AND loaded.carrier = flights.carrier
    AND loaded.flight_number = flights.flight_number
    AND loaded.origin = flights.origin
-- A run may stop at an earlier day: later flights are not lost, they are still to come.
WHERE flights.flight_date <= (
    SELECT MAX(flight_date)
    FROM {{ Ref("dds.fct_flight") }}
)
