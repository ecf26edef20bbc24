"""How a row leads to rows of another relation: by which values, and what else chooses among those rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from json import dumps

from pydantic import JsonValue

from dagscope.dag.model.row_readings import Comparison, Reading
from dagscope.dag.run.data_tests import rows_text

Row = Mapping[str, JsonValue]
"""Values of a row by column, as in answers with rows as arrays."""

_SHOWN = 3  # columns in a sentence
_SIGNS = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(frozen=True)
class RowWay:
    """The way through one place where a query reads one of the two relations; equal ones find the same rows.

    `pairs` are a column of the row, the other one, and the value of both. `missing` is a column of the row that is
    NULL, so that an outer join has found nothing. `compared` is of the relation that the query reads.
    """

    read_as: str | None = None
    pairs: tuple[tuple[str, str, JsonValue], ...] = ()
    missing: str = ""
    compared: tuple[Comparison, ...] = ()
    unread: tuple[str, ...] = ()
    is_grouped: bool = False

    @property
    def filters(self) -> tuple[str, ...]:
        """For the rows of the other relation that have the same values."""
        return filters_of({other: value for _, other, value in self.pairs})

    @property
    def compared_filters(self) -> tuple[str, ...]:
        return tuple(each.filter for each in self.compared)

    @property
    def conditions(self) -> str:
        """What the query compares, in words."""
        return listed([_written(each) for each in self.compared])

    def without_compared(self) -> "RowWay":
        """The same, where what the query compares is among what is not followed."""
        return replace(self, compared=(), unread=(*map(_written, self.compared), *self.unread))

    def sentence(self, name: str, rows: int) -> str:
        """What was found in the relation of that name."""
        verb = "has" if rows == 1 else "have"
        others = list(dict.fromkeys(other for _, other, _ in self.pairs))
        if len(others) > _SHOWN + 1:
            others[_SHOWN:] = [f"{len(others) - _SHOWN} other columns"]
        parts = [f"{rows_text(rows)} of {name} {verb} the same {listed(others)}"]
        if self.compared:
            parts.append(f" and {self.conditions}")
        if self.is_grouped and rows > 1:
            parts.append("; that is the group that was aggregated")
        return f"{''.join(parts)}."


def way_up(reading: Reading, row: Row) -> RowWay:
    """From a row of the query's result to the relation that it reads."""
    known = [each for each in reading.followed if each.column in row]
    is_null = [each for each in known if row[each.column] is None and each.is_joined]
    missing = [each.column for each in is_null if reading.is_optional and not each.may_be_missing]
    return RowWay(
        reading.alias,
        _pairs(row, ((each.column, each.other) for each in known if each not in is_null)),
        missing[0] if missing else "",
        reading.compared,
        reading.unread,
        reading.is_grouped,
    )


def way_down(reading: Reading, row: Row) -> RowWay:
    """From a row of the relation to the result of the query that reads it."""
    known = [each for each in reading.followed if each.other in row]
    return RowWay(
        reading.alias,
        _pairs(
            row,
            ((each.other, each.column) for each in known if not each.is_joined or row[each.other] is not None),
        ),
        compared=reading.compared,
        unread=reading.unread,
    )


def _pairs(row: Row, names: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, JsonValue], ...]:
    """With the values, in the order of the row's columns. Nested values are left out: they cannot be compared."""
    place = {column: place for place, column in enumerate(row)}
    found = ((column, other, row[column]) for column, other in sorted(names, key=lambda pair: place[pair[0]]))
    return tuple(pair for pair in found if not isinstance(pair[2], list | dict))


def filters_of(row: Row) -> tuple[str, ...]:
    """The filters for rows with these values; nested ones are left out."""
    return tuple(_filter(column, value) for column, value in row.items() if not isinstance(value, list | dict))


def _filter(column: str, value: JsonValue) -> str:
    if value is None:
        return f"{column}:isnull"
    return f"{column}:eq:{value if isinstance(value, str) else dumps(value)}"


def _written(comparison: Comparison) -> str:
    if comparison.value is None:
        return f"{comparison.other} is NULL"
    return f"{comparison.other} {_SIGNS[comparison.operator]} {comparison.value}"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`, each once."""
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last
