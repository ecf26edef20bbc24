"""Counts the rows of a query's steps, and finds those where rows vanish or multiply."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dagscope.dag.connections import Connection
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import StatementFailed
from dagscope.dag.model.query_steps import QueryStep, StepKind
from dagscope.dag.run.data_tests import rows_text

Counts = Mapping[str, int | StatementFailed]
"""The number of rows by query, or why the database refused to count them."""


class StepMark(StrEnum):
    """What is conspicuous in a step."""

    EMPTY = "empty"
    """No rows are left of those that went in."""
    MULTIPLIED = "multiplied"
    """More rows come out than its largest input has."""


@dataclass(frozen=True)
class CountedStep:
    """A step with its rows and those of its inputs; None for what was not counted or cannot be."""

    step: QueryStep
    rows: int | None
    inputs: tuple[int | None, ...]
    error: str | None
    """Why the database refused to count it."""

    @property
    def mark(self) -> StepMark | None:
        known = [rows for rows in self.inputs if rows is not None]
        if self.rows == 0 and all(known):
            return StepMark.EMPTY
        is_larger = self.rows is not None and known and self.rows > max(known) > 0
        return StepMark.MULTIPLIED if is_larger and self.step.kind is not StepKind.SET else None

    @property
    def sentence(self) -> str | None:
        """The mark in words."""
        rows = [rows_text(rows) for rows in self.inputs if rows is not None]
        match self.mark:
            case StepMark.EMPTY if rows:
                return f"Nothing is left: {' and '.join(rows)} went in, no row comes out."
            case StepMark.EMPTY:
                return "It has no rows."
            case StepMark.MULTIPLIED:
                return f"Rows multiply: {' and '.join(rows)} went in, {rows_text(self.rows or 0)} come out."
        return None


def counted(
    connection: Connection,
    steps: Sequence[QueryStep],
    wanted: Iterable[QueryStep],
    cancellation: Cancellation,
) -> tuple[CountedStep, ...]:
    """The wanted steps with the numbers of their rows and of their inputs' rows, counted at one moment.

    Raises `ConnectionFailed` or `Cancelled`. A step that the database refuses to count has an error instead, and
    those after it are counted at a moment of their own: PostgreSQL ends the one in which a statement fails.
    """
    chosen = tuple(wanted)
    by_id = {step.id: step for step in steps}
    queries = dict.fromkeys(query for step in chosen for query in (*_inputs(step, by_id), _query(step)) if query)
    counts = _counts(connection, queries, cancellation)
    return tuple(_counted(step, by_id, counts) for step in chosen)


def _query(step: QueryStep) -> str | None:
    return step.sql if step.why_not is None else None


def _inputs(step: QueryStep, by_id: Mapping[str, QueryStep]) -> tuple[str | None, ...]:
    """The queries of what it reads."""
    return tuple(_query(by_id[each.step]) if each.step is not None else each.sql for each in step.inputs)


def _counted(step: QueryStep, by_id: Mapping[str, QueryStep], counts: Counts) -> CountedStep:
    def rows(query: str | None) -> int | None:
        found = counts.get(query or "")
        return found if isinstance(found, int) else None

    own = counts.get(_query(step) or "")
    error = str(own) if isinstance(own, StatementFailed) else None
    return CountedStep(step, rows(_query(step)), tuple(map(rows, _inputs(step, by_id))), error)


def _counts(connection: Connection, queries: Iterable[str], cancellation: Cancellation) -> Counts:
    counts: dict[str, int | StatementFailed] = {}
    waiting = deque(queries)
    while waiting:
        with connection.queries(cancellation) as session, session.snapshot():
            failed = False
            while waiting and not failed:
                query = waiting.popleft()
                try:
                    counts[query] = int(session.scalar(f"SELECT count(*) FROM (\n{query}\n) AS step"))
                except StatementFailed as error:
                    counts[query] = error
                    failed = True
    return counts
