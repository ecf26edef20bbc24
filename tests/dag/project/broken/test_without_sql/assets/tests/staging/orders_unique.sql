{{ define "profile.yaml" }}
description: each order once
{{ end }}
