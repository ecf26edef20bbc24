SELECT * FROM {{ Ref("staging.b") }}
