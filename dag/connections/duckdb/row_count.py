"""What the result of a statement is: rows to read, or the number of those that it wrote."""

import duckdb
from duckdb import ExpectedResultType, StatementType, token_type

_RETURNING = "returning"


def counts_rows(sql: str) -> bool:
    """If the result of the last statement is how many rows it wrote. DuckDB is asked; a column's name says nothing.

    Raises `duckdb.Error` for text that is not SQL.
    """
    statements = duckdb.extract_statements(sql)
    if not statements or ExpectedResultType.CHANGED_ROWS not in statements[-1].expected_result_type:
        return False
    return not _returns_rows(statements[-1].query)


def gives_rows(sql: str) -> bool:
    """If the result of the last statement is rows to read. Raises `duckdb.Error` for text that is not SQL."""
    statements = duckdb.extract_statements(sql)
    if not statements or ExpectedResultType.QUERY_RESULT not in statements[-1].expected_result_type:
        return False
    return statements[-1].type == StatementType.MULTI or not counts_rows(sql)  # such as PIVOT


def _returns_rows(sql: str) -> bool:
    """If it writes rows and gives those back, which DuckDB tells of only when asked for the words."""
    return any(
        kind == token_type.keyword and sql[place : place + len(_RETURNING)].lower() == _RETURNING
        for place, kind in duckdb.tokenize(sql)
    )
