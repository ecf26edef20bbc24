{{ define "profile.yaml" }}
    description: 'One row for each airport, including the four Caribbean ones that the source leaves out'
    materialization: custom
    tests:
      - name: test_dim_airport_unique
{{ end }}
-- A custom asset runs as it is written: several statements, and it makes its own relation.
CREATE OR REPLACE TABLE {{ this() }} AS
SELECT
    airport,
    airport_name,
    latitude_deg,
    longitude_deg,
    time_zone,
    TRUE AS is_in_source
FROM {{ Ref("staging.airports") }};

-- 7,602 flights go to four airports that the source does not list. They are added here, marked as added, so that no
-- join on the destination loses a flight.
INSERT INTO {{ this() }} (
    airport,
    airport_name,
    latitude_deg,
    longitude_deg,
    time_zone,
    is_in_source
)
VALUES
    ('BQN', 'Rafael Hernandez (Aguadilla)', 18.4949, -67.1294, 'America/Puerto_Rico', FALSE),
    ('PSE', 'Mercedita (Ponce)', 18.0083, -66.5630, 'America/Puerto_Rico', FALSE),
    ('SJU', 'Luis Munoz Marin (San Juan)', 18.4394, -66.0018, 'America/Puerto_Rico', FALSE),
    ('STT', 'Cyril E King (St Thomas)', 18.3373, -64.9734, 'America/St_Thomas', FALSE);

-- Three airports have no time zone in the source, and two are in China's, as their longitudes were.
UPDATE {{ this() }}
SET time_zone = CASE airport
    WHEN 'YAK' THEN 'America/Anchorage'
    WHEN 'DVT' THEN 'America/Phoenix'
    WHEN 'MYF' THEN 'America/Los_Angeles'
    ELSE 'America/New_York'
END
WHERE
    time_zone IS NULL
    OR time_zone = 'Asia/Chongqing';
