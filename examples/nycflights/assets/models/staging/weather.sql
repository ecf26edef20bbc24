{{ define "profile.yaml" }}
    description: 'Hourly weather at the three airports, with one impossible wind reading removed'
    materialization: view
    tests:
      - name: test_weather_wind_plausible
{{ end }}
SELECT
    origin,
    time_hour,
    -- Not a key: on the night the clocks go back, the hour from one to two happens twice.
    MAKE_TIMESTAMP(year, month, day, hour, 0, 0.0) AS local_hour,
    CAST(temp AS DECIMAL(5, 1)) AS temperature_f,
    CAST(humid AS DECIMAL(5, 1)) AS humidity_pct,
    -- Newark reported 1,048 mph on 12 February: a broken sensor, not a wind.
    CAST(
        CASE
            WHEN wind_speed <= 200 THEN wind_speed
        END
        AS DECIMAL(5, 1)
    ) AS wind_mph,
    CAST(precip AS DECIMAL(5, 2)) AS precipitation_in,
    -- The instrument stops at ten miles: 10 means "10 or more".
    CAST(visib AS DECIMAL(5, 2)) AS visibility_mi
FROM read_parquet('data/weather.parquet')
