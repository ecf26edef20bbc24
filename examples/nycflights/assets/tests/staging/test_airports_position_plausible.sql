{{ define "profile.yaml" }}
    description: 'Every airport lies in the part of the world where the source has airports: Hawaii to Maine, and Alaska'
{{ end }}
SELECT
    airport,
    airport_name,
    latitude_deg,
    longitude_deg
FROM {{ Ref("staging.airports") }}
-- One of the Aleutian islands lies beyond the 180th meridian.
WHERE
    latitude_deg NOT BETWEEN 18 AND 72
    OR (
        longitude_deg NOT BETWEEN -180 AND -64
        AND longitude_deg NOT BETWEEN 172 AND 180
    )
