{{ define "profile.yaml" }}
    description: 'The weather of each airport and hour, summed up in one word'
    materialization: table
    primary_key_fields:
      - origin
      - time_hour
    indexes:
      - name: ix_weather_hour_conditions
        unique: false
        fields:
          - conditions
    tests:
      - name: test_weather_hour_repeats_only_in_autumn
{{ end }}
SELECT
    origin,
    time_hour,
    local_hour,
    temperature_f,
    wind_mph,
    precipitation_in,
    visibility_mi,
    -- The first that applies: it can rain in a fog, and then the rain is what counts.
    CASE
        WHEN precipitation_in >= 0.10 THEN 'heavy rain or snow'
        WHEN precipitation_in > 0 THEN 'light rain or snow'
        WHEN visibility_mi < 3 THEN 'fog or haze'
        WHEN wind_mph >= 25 THEN 'dry but windy'
        ELSE 'fair'
    END AS conditions
FROM {{ Ref("staging.weather") }}
ORDER BY
    origin,
    time_hour
