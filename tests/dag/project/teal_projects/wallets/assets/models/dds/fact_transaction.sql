SELECT {% for column in ["id", "address", "amount"] %}{{ column }}{% if !forloop.Last %}, {% endif %}{% endfor %}, made_at
FROM {{ Ref("staging.transactions") }}
{% if IsIncremental() %}
WHERE made_at > (SELECT max(made_at) FROM {{ this() }})
{% endif %}
{{ define "profile.yaml" }}
    materialization: incremental
    indexes:
      - name: ix
        fields: [address]
{{ end }}
