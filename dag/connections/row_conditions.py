"""Which rows are wanted and in which order, as SQL: never a text of the request, only checked names and literals.

A value is parsed against the type of its column before it becomes a literal. A whole number or a decimal is rounded so
that the condition stays exact: `n > 2.5` becomes `n > 2` for a column of whole numbers.
"""

import csv
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from enum import StrEnum
from typing import TypeVar

from dagscope.dag.connections.row_columns import NUMBER_KEY, Kind, RowColumn
from dagscope.dag.ground.errors import RowsRefused
from dagscope.dag.ground.problems import did_you_mean

Moment = TypeVar("Moment", time, datetime)

_SHOWN = 100  # characters of a text from the request
_MOST_DIGITS = 1_000
_MOST_VALUES = 1_000


class Operator(StrEnum):
    """What a condition compares."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    CONTAINS = "contains"
    STARTSWITH = "startswith"
    ISNULL = "isnull"
    NOTNULL = "notnull"
    IN = "in"


_SIGNS = {
    Operator.EQ: "=",
    Operator.NE: "IS DISTINCT FROM",  # the rows that `eq` leaves out, NULL included
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.GT: ">",
    Operator.GE: ">=",
}
_OF_TEXT = (Operator.CONTAINS, Operator.STARTSWITH)


@dataclass(frozen=True)
class AskedRows:
    """What a request asks for, unchecked: `sort` like `-delay,origin`, and filters like `delay:gt:12.5`."""

    sort: str = ""
    filters: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether all rows are wanted as they are."""
        return not self.sort and not self.filters


@dataclass(frozen=True)
class WantedRows:
    """The same as SQL: a condition and the sort keys, each "" if there is none."""

    where: str = ""
    order: str = ""

    def clauses(self, row_order: str = "") -> str:
        """WHERE and ORDER BY; rows that are equal in all sort keys keep the order `row_order`, if there is one."""
        where = f" WHERE {self.where}" if self.where else ""
        keys = ", ".join(filter(None, (self.order, row_order if self.order or self.where else "")))
        return where + (f" ORDER BY {keys}" if keys else "")


def wanted_rows(columns: Sequence[RowColumn], asked: AskedRows) -> WantedRows:
    """The SQL for what is asked. Raises `RowsRefused`, which says what is wrong and what would be right."""
    named = {column.name: column for column in columns}
    conditions = [_condition(named, text) for text in asked.filters]
    return WantedRows(" AND ".join(conditions), ", ".join(_sort_keys(named, asked.sort)))


def _sort_keys(named: Mapping[str, RowColumn], sort: str) -> list[str]:
    keys, place = [], f'sort "{_shown(sort)}"'
    for text in _listed(sort, place) if sort else ():
        is_down = text not in named and text.startswith("-")
        column = _column(named, text[1:] if is_down else text, place)
        keys.append(f"{column.compared} {'DESC' if is_down else 'ASC'} NULLS LAST")
    return keys


def _column(named: Mapping[str, RowColumn], name: str, place: str) -> RowColumn:
    if name not in named:
        raise RowsRefused(f'{place}: there is no column "{_shown(name)}"{did_you_mean(_shown(name), named)}')
    return named[name]


def _condition(named: Mapping[str, RowColumn], text: str) -> str:
    name, rest = _split(named, text)
    place = f'filter "{_shown(text)}"'
    if name is None:
        raise RowsRefused(f"{place}: write column:operator:value, for example {_example(named)}")
    column = _column(named, name, place)
    word, colon, value = rest.partition(":")
    if word not in set(Operator):
        raise RowsRefused(f'{place}: there is no operator "{_shown(word)}"; known: {", ".join(Operator)}')
    operator = Operator(word)
    if operator in (Operator.ISNULL, Operator.NOTNULL):
        if value:
            raise RowsRefused(f"{place}: {operator} has no value; write {name}:{operator}")
        return f"{column.value} IS {'NOT ' if operator is Operator.NOTNULL else ''}NULL"
    if not colon:
        raise RowsRefused(f"{place}: {operator} needs a value; write {name}:{operator}:{_example_of(column)}")
    return _Comparison(column, operator, place).sql(value)


def _split(named: Mapping[str, RowColumn], text: str) -> tuple[str | None, str]:
    """The column's name and the rest. A name may contain a colon, so the longest known name counts."""
    known = [name for name in named if text.startswith(f"{name}:")]
    if known:
        name = max(known, key=len)
        return name, text[len(name) + 1 :]
    name, colon, rest = text.partition(":")
    return (name if colon else None), rest


def _example(named: Mapping[str, RowColumn]) -> str:
    column = next(iter(named.values()), None)
    if column is None or not column.kind.is_compared:
        return f"{column.name if column else 'name'}:isnull"
    return f"{column.name}:eq:{_example_of(column)}"


_EXAMPLES = {
    Kind.BOOLEAN: "true",
    Kind.EXACT: "12.5",
    Kind.FLOAT: "12.5",
    Kind.TEXT: "text",
    Kind.DATE: "2013-01-31",
    Kind.TIME: "05:15:00",
    Kind.TIMESTAMP: "2013-01-31T05:15:00",
    Kind.ZONED: "2013-01-31T05:15:00Z",
    Kind.UUID: "123e4567-e89b-42d3-a456-426614174000",
    Kind.OTHER: "text",
}


def _example_of(column: RowColumn) -> str:
    is_whole = column.numbers is not None and not column.numbers.scale
    return "12" if is_whole else _EXAMPLES.get(column.kind, "text")


_ARTICLES = {Kind.EXACT: "a number", Kind.FLOAT: "a number", Kind.UUID: "a UUID", Kind.BOOLEAN: "true or false"}


@dataclass(frozen=True)
class _Comparison:
    """A condition that compares a column with values; `place` is the start of a refusal's message."""

    column: RowColumn
    operator: Operator
    place: str

    def sql(self, value: str) -> str:
        column, operator = self.column, self.operator
        if not column.kind.is_compared:
            raise self._refused("can only be filtered with isnull and notnull")
        if operator in _OF_TEXT:
            if not column.kind.is_text:
                raise self._refused(f"is not text, which {operator} needs; use eq, ne, lt, le, gt, ge or in")
            if operator is Operator.CONTAINS:
                return f"position({self._text(value)} IN ({column.compared})) > 0"
            return f"{column.dialect.starts_with}({column.compared}, {self._text(value)})"
        if operator is not Operator.IN:
            return self._one(operator, value)
        values = _listed(value, self.place) if value else [""]
        if len(values) > _MOST_VALUES:
            raise RowsRefused(f"{self.place}: {len(values)} values are more than the {_MOST_VALUES} that in can have")
        return self._any_of(values)

    def _any_of(self, values: Sequence[str]) -> str:
        """One list rather than many ORs, which would be nested as deeply as there are values."""
        found = [self._one(Operator.EQ, value) for value in values]
        sign = f"{self.column.compared} = "
        literals = [condition.removeprefix(sign) for condition in found if condition != "FALSE"]
        return f"{self.column.compared} IN ({', '.join(literals)})" if literals else "FALSE"

    def _one(self, operator: Operator, value: str) -> str:
        column = self.column
        if column.kind is Kind.EXACT:
            return self._number(operator, value)
        return f"{column.compared} {_SIGNS[operator]} {self._literal(value)}"

    def _literal(self, value: str) -> str:
        kind = self.column.kind
        try:
            match kind:
                case Kind.BOOLEAN:
                    return {"true": "TRUE", "false": "FALSE"}[value.lower()]
                case Kind.FLOAT:
                    return self._float(value)
                case Kind.DATE:
                    return _quoted(date.fromisoformat(value).isoformat())
                case Kind.TIME:
                    return _quoted(self._without_zone(time.fromisoformat(value)).isoformat())
                case Kind.TIMESTAMP:
                    return _quoted(self._without_zone(datetime.fromisoformat(value)).isoformat(" "))
                case Kind.ZONED:
                    return _quoted(_in_utc(datetime.fromisoformat(value)).isoformat(" "))
                case Kind.UUID:
                    return _quoted(str(uuid.UUID(value)))
        except (ValueError, KeyError, OverflowError):
            raise self._not_one(value) from None
        return self._text(value)

    def _without_zone(self, value: Moment) -> Moment:
        if value.tzinfo is not None:
            raise self._refused(f"has no time zone; write for example {self._written_example()}")
        return value

    def _float(self, value: str) -> str:
        number = float(value)
        if "_" in value or (number in (float("inf"), float("-inf")) and "inf" not in value.lower()):
            raise ValueError(value)
        most = _LARGEST_FLOAT if self.column.type == "FLOAT" else None
        if most is not None and most < abs(number) < float("inf"):
            raise ValueError(value)
        return _quoted({"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(number), str(number)))

    def _number(self, operator: Operator, value: str) -> str:
        column = self.column
        number = self._decimal(value)
        if column.numbers is None:
            text = f"{number:f}" if number.is_finite() else str(number)
            literal = _quoted(text)
            return f"{column.compared} {_SIGNS[operator]} {f'{NUMBER_KEY}({literal})' if column.has_key else literal}"
        if not number.is_finite():
            raise self._not_one(value)
        return self._rounded(operator, number)

    def _decimal(self, value: str) -> Decimal:
        try:
            if len(value) > _MOST_DIGITS or "_" in value:
                raise ValueError(value)
            number = Decimal(value.strip())
            if number.is_snan() or (number.is_finite() and abs(number.adjusted()) > _MOST_DIGITS):
                raise ValueError(value)
        except (InvalidOperation, ValueError):
            raise self._not_one(value) from None
        return abs(number) if number.is_nan() or number.is_zero() else number

    def _rounded(self, operator: Operator, number: Decimal) -> str:
        """The condition with the next number that the column can hold; a constant beyond its bounds."""
        column, numbers = self.column, self.column.numbers
        assert numbers is not None
        with localcontext(prec=4 * _MOST_DIGITS):
            counted = number.scaleb(numbers.scale)
            below = int(counted.to_integral_value(ROUND_FLOOR))
            above = int(counted.to_integral_value(ROUND_CEILING))
        if operator in (Operator.EQ, Operator.NE):
            is_held = below == above and not _beyond(below, numbers.least, numbers.most)
            if not is_held:
                return "FALSE" if operator is Operator.EQ else "TRUE"
        is_upper = operator in (Operator.LT, Operator.LE)
        bound = below if operator in (Operator.GT, Operator.LE) else above
        beyond = _beyond(bound, numbers.least, numbers.most)
        if beyond:  # every value is on one side of it
            is_true = (beyond > 0) == is_upper
            return f"{column.value} IS NOT NULL" if is_true else "FALSE"
        with localcontext(prec=4 * _MOST_DIGITS):
            text = f"{Decimal(bound).scaleb(-numbers.scale):f}"
        literal = _quoted(text) if column.dialect.quotes_numbers else text
        return f"{column.compared} {_SIGNS[operator]} {literal}"

    def _text(self, value: str) -> str:
        if "\0" in value:
            raise RowsRefused(f"{self.place}: a value cannot contain the character NUL")
        return _text_literal(value)

    def _refused(self, what: str) -> RowsRefused:
        return RowsRefused(f'{self.place}: column "{self.column.name}" of type {self.column.type} {what}')

    def _not_one(self, value: str) -> RowsRefused:
        kind = self.column.kind
        wanted = _ARTICLES.get(kind, f"a {kind}")
        return self._refused(f'needs {wanted}, found "{_shown(value)}"; write for example {self._written_example()}')

    def _written_example(self) -> str:
        return f"{self.column.name}:{self.operator}:{_example_of(self.column)}"


_LARGEST_FLOAT = 3.4028235677973366e38  # beyond it, 32 bits round to infinity


def _beyond(number: int, least: int | None, most: int | None) -> int:
    """1 above the bounds, -1 below, 0 between."""
    if most is not None and number > most:
        return 1
    return -1 if least is not None and number < least else 0


def _in_utc(moment: datetime) -> datetime:
    """Without a zone it is UTC, in which values are shown."""
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _text_literal(text: str) -> str:
    """Without a backslash, which some PostgreSQL settings read as an escape."""
    return " || chr(92) || ".join(map(_quoted, text.split("\\"))).join("()") if "\\" in text else _quoted(text)


def _listed(text: str, place: str) -> list[str]:
    """Values separated by commas; one with a comma in double quotes, as in CSV. `place` is the start of a refusal."""
    try:
        (values,) = csv.reader([text], strict=True)
    except (csv.Error, ValueError) as error:
        raise RowsRefused(f"{place}: put a value that contains a comma or a quote in double quotes: {error}") from error
    return values


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
