"""What the result of a statement is: rows to read, or the number of rows that it wrote."""

import duckdb
from duckdb import ExpectedResultType, StatementType, token_type

_RETURNING = "returning"


def counts_rows(sql: str) -> bool:
    """Whether the last statement's result is the number of rows that it wrote. DuckDB decides, not the column name.

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
    """Whether it writes rows and returns them, which only DuckDB's tokenizer shows."""
    return any(
        kind == token_type.keyword and sql[place : place + len(_RETURNING)].lower() == _RETURNING
        for place, kind in duckdb.tokenize(sql)
    )
