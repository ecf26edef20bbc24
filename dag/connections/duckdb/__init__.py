"""The engine `duckdb`."""
