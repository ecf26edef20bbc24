SELECT *, '{{ TaskID() }}' <> '' AS is_run
FROM read_csv('store/transactions.csv')
WHERE '{{ ENV("WALLETS_REGION", "all") }}' = 'all'
