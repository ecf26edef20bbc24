{{ define "profile.yaml" }}
    description: 'No airline has more cancelled and on-time flights on a day than flights'
{{ end }}
SELECT
    carrier,
    flight_date,
    flights,
    cancelled,
    on_time
FROM {{ Ref("dds.carrier_day") }}
WHERE cancelled + on_time > flights
