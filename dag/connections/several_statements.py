"""Says in an error message which of several statements failed."""

import re

from dagscope.dag.model.query_text import statement_spans

_LONGEST_LINE = 200  # characters
_WORD = re.compile(r"\w+")
_START = re.compile(r"[^'\"$]{0,80}")  # of a longer line: up to the first string, as half a secret would not be hidden


def with_statement(message: str, sql: str, offset: int | None = None, finished: int | None = None) -> str:
    """The message, followed by the statement that failed if `sql` contains several.

    This is the statement at `offset`, or else the one after those that are `finished`.

    >>> print(with_statement("no such table", "SELECT 1;\\nSELECT a\\nFROM t", finished=1))
    no such table
    in statement 2 of 2, which starts at line 2: SELECT a
    """
    spans = statement_spans(sql)
    if len(spans) < 2:
        return message
    if offset is not None:
        finished = sum(1 for start, _ in spans[1:] if start <= offset)
    if finished is None or finished >= len(spans):
        return message
    start, end = spans[finished]
    line = sql.count("\n", 0, start) + 1
    return (
        f"{message}\nin statement {finished + 1} of {len(spans)}, which starts at line {line}: {_first(sql[start:end])}"
    )


def first_word(sql: str) -> str:
    """The first word of the statements, in lower case; "" if there are no statements.

    >>> first_word("-- done\\n COMMIT; SELECT 1")
    'commit'
    """
    spans = statement_spans(sql)
    word = _WORD.match(sql, spans[0][0]) if spans else None
    return word[0].lower() if word else ""


def _first(statement: str) -> str:
    line = statement.split("\n", 1)[0].rstrip()
    if len(line) <= _LONGEST_LINE:
        return line
    start = _START.match(line)
    return f"{start[0] if start else ''}..."
