SELECT carrier, '{{ ENV "FLIGHTS_UNIT" "min" }}' AS unit, max(delay) AS worst
FROM {{{ Ref "dds.fact_flight" }}}
GROUP BY carrier
ORDER BY carrier
