{{ define "profile.yaml" }}
    description: 'No greeting was said a negative number of times'
{{ end }}
SELECT * FROM {{ Ref("dds.world") }} WHERE count < 0
