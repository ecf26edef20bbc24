SELECT *
FROM {{ Ref("staging.order") }}
