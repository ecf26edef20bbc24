{{ define "profile.yaml" }}
description: A flight that was cancelled has no delays, and one that was completed has both.
{{ end }}
SELECT *
FROM {{ Ref("dds.flight") }}
WHERE (status = 'cancelled' AND coalesce(dep_delay_min, arr_delay_min) IS NOT NULL)
   OR (status = 'completed' AND (dep_delay_min IS NULL OR arr_delay_min IS NULL))
