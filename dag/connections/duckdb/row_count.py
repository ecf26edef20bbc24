"""What the result of a statement is: rows to read, or the number of rows that it wrote."""

import duckdb
from duckdb import ExpectedResultType, token_type

_RETURNING = "returning"


def counts_rows(sql: str) -> bool:
    """Whether the last statement's result is the number of rows that it wrote. DuckDB decides, not the column name.

    Raises `duckdb.Error` for text that is not SQL.
    """
    statements = duckdb.extract_statements(sql)
    if not statements or ExpectedResultType.CHANGED_ROWS not in statements[-1].expected_result_type:
        return False
    return not _returns_rows(statements[-1].query)


def _returns_rows(sql: str) -> bool:
    """Whether it writes rows and returns them, which only DuckDB's tokenizer shows."""
    return any(
        kind == token_type.keyword and sql[place : place + len(_RETURNING)].lower() == _RETURNING
        for place, kind in duckdb.tokenize(sql)
    )
