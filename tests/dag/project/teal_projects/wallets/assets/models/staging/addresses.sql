{{ define "profile.yaml" }}
    name: addresses
    materialization: view
{{ end }}
{% comment %} every row {{ of the file {% endcomment %}
SELECT * FROM read_csv('store/addresses.csv')
