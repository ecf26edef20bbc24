SELECT carrier FROM {{ Ref "staging.flights" }} WHERE carrier NOT IN (SELECT carrier FROM {{ Ref "mart.delays" }})
