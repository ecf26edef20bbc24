SELECT *
FROM {{ Ref("staging.c") }}
