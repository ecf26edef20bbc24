{{{ define "profile.yaml" }}}
    materialization: 'incremental'
    primary_key_fields:
      - id
{{{ end }}}
SELECT id, carrier, day, delay
FROM {{ Ref "staging.flights" }}
{{{ if IsIncremental }}}
WHERE day > (SELECT max(day) FROM {{ this }})
{{{ end }}}
