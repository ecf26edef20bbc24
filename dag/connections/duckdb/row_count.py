"""What the result of a statement is: rows to read, or the number of rows that it wrote."""

import duckdb
from duckdb import ExpectedResultType, StatementType, token_type

_RETURNING = "returning"


def counts_rows(statement: duckdb.Statement | None) -> bool:
    """Whether the statement's result is the number of rows that it wrote. DuckDB decides, not the column name."""
    if statement is None or ExpectedResultType.CHANGED_ROWS not in statement.expected_result_type:
        return False
    return not _returns_rows(statement.query)


def gives_rows(statement: duckdb.Statement | None) -> bool:
    """Whether the statement's result is rows to read."""
    if statement is None or ExpectedResultType.QUERY_RESULT not in statement.expected_result_type:
        return False
    return statement.type == StatementType.MULTI or not counts_rows(statement)  # such as PIVOT


def _returns_rows(sql: str) -> bool:
    """Whether it writes rows and returns them, which only DuckDB's tokenizer shows."""
    return _RETURNING in sql.lower() and any(
        kind == token_type.keyword and sql[place : place + len(_RETURNING)].lower() == _RETURNING
        for place, kind in duckdb.tokenize(sql)
    )
