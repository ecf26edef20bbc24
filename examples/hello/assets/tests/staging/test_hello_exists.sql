{{ define "profile.yaml" }}
    description: 'Every row has a greeting'
{{ end }}
SELECT * FROM {{ Ref("staging.hello") }} WHERE greeting IS NULL
