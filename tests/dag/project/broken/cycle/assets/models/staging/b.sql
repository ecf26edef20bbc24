SELECT * FROM {{ Ref("staging.a") }}
