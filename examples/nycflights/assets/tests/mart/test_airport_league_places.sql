{{ define "profile.yaml" }}
    description: 'Every destination of the league has a name, a position, and a share between 0 and 100 %'
{{ end }}
SELECT
    place,
    dest,
    destination,
    on_time_pct,
    latitude_deg,
    longitude_deg
FROM {{ Ref("mart.airport_league") }}
WHERE
    destination IS NULL
    OR latitude_deg IS NULL
    OR longitude_deg IS NULL
    OR on_time_pct NOT BETWEEN 0 AND 100
