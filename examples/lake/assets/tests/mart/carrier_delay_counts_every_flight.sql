{{ define "profile.yaml" }}
description: The airlines' flights add up to all flights.
{{ end }}
SELECT * FROM (
  SELECT
    (SELECT sum(flights) FROM {{ Ref("mart.carrier_delay") }}) AS by_carrier,
    (SELECT count(*) FROM {{ Ref("dds.flight") }}) AS in_all
) AS counts
WHERE by_carrier <> in_all
