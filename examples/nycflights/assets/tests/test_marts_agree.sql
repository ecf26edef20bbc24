{{ define "profile.yaml" }}
    description: 'All marts that count every flight count the same number of flights'
{{ end }}
SELECT
    mart,
    flights
FROM (
    SELECT
        'carrier_delay' AS mart,
        SUM(flights) AS flights
    FROM {{ Ref("mart.carrier_delay") }}
    UNION ALL
    SELECT
        'fleet_age_delay' AS mart,
        SUM(flights) AS flights
    FROM {{ Ref("mart.fleet_age_delay") }}
    UNION ALL
    SELECT
        'hour_of_day' AS mart,
        SUM(flights) AS flights
    FROM {{ Ref("mart.hour_of_day") }}
    UNION ALL
    SELECT
        'weather_delay' AS mart,
        SUM(flights) AS flights
    FROM {{ Ref("mart.weather_delay") }}
) AS marts
QUALIFY MIN(flights) OVER () <> MAX(flights) OVER ()
