{% if param("strict", 0) == 1 %}SELECT * FROM {{ Ref("staging.orders") }}{% endif %}
