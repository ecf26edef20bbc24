"""The part of a text that is being sent: Spark accepts one statement at a time, and its errors name a place in it."""

from collections.abc import Iterator
from dataclasses import dataclass

from dagscope.dag.connections.several_statements import with_statement
from dagscope.dag.connections.spark.client import message, place
from dagscope.dag.connections.spark.errors import database_text, parsed_offset, with_place
from dagscope.dag.model.query_text import statement_spans


@dataclass(frozen=True)
class SentPart:
    """One statement of `sql`, which starts at `start`; `finished` statements come before it."""

    sql: str
    start: int
    text: str
    finished: int = 0

    def offset(self, error: Exception) -> int | None:
        """The place in `sql` that the error names."""
        found = place(error)
        found = found if found is not None else parsed_offset(self.text, message(error))
        return None if found is None else self.start + found

    def described(self, error: Exception) -> str:
        """Spark's message, with the line of `sql`, and with the statement if there are several."""
        text = with_place(database_text(message(error)), self.sql, self.offset(error))
        return with_statement(text, self.sql, finished=self.finished)


def parts(sql: str) -> Iterator[SentPart]:
    """The statements of a text; the text itself if semicolons may be inside a statement."""
    spans = statement_spans(sql) or [(0, len(sql))]
    for number, (start, end) in enumerate(spans):
        yield SentPart(sql, start, sql[start:end], number)
