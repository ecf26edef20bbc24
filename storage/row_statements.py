"""Statements that write rows: SQL text for SQLite's driver, which SQLAlchemy makes from the tables once.

Each has a `?` for every value of a row. Executed through SQLAlchemy, a statement costs more than its rows cost SQLite.
"""

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects.sqlite import Insert, dialect, insert
from sqlalchemy.sql import ClauseElement
from sqlmodel import SQLModel


class RowStatement:
    """One statement. Its text is made when the first row is written, and not when the process starts."""

    def __init__(self, make: Callable[[], ClauseElement]) -> None:
        self._make = make

    @cached_property
    def text(self) -> str:
        return str(self._make().compile(dialect=dialect(paramstyle="qmark")))


def insertion(table: type[SQLModel]) -> RowStatement:
    """Inserts rows. A row has all columns in the table's order."""
    return RowStatement(lambda: insert(_table(table)))


def insertion_once(table: type[SQLModel]) -> RowStatement:
    """Inserts rows, unless there are ones with their keys. A row has all columns in the table's order."""
    return RowStatement(lambda: insert(_table(table)).on_conflict_do_nothing(index_elements=_key(table)))


def replacement(table: type[SQLModel], columns: tuple[str, ...] | None = None) -> RowStatement:
    """Inserts rows, or updates those that have their keys. A row has all columns, or these, in the table's order."""

    def make() -> Insert:
        key = _key(table)
        written = columns or tuple(column.name for column in _table(table).columns)
        statement = insert(_table(table)).values({name: bindparam(name) for name in written})
        excluded = {name: statement.excluded[name] for name in written if name not in key}
        return statement.on_conflict_do_update(index_elements=key, set_=excluded)

    return RowStatement(make)


def addition(table: type[SQLModel], count: str) -> RowStatement:
    """Inserts rows, or adds their counts to those that have their keys. A row has all columns in the table's order."""

    def make() -> Insert:
        statement = insert(_table(table))
        total = _table(table).columns[count] + statement.excluded[count]
        return statement.on_conflict_do_update(index_elements=_key(table), set_={count: total})

    return RowStatement(make)


def change(table: type[SQLModel], columns: tuple[str, ...]) -> RowStatement:
    """Updates rows that exist. A row has these columns in this order, and then the key."""

    def make() -> ClauseElement:
        of_table = _table(table).columns
        statement = update(_table(table)).where(*(of_table[name] == bindparam(None) for name in _key(table)))
        return statement.ordered_values(*((of_table[name], bindparam(None)) for name in columns))

    return RowStatement(make)


def _table(table: type[SQLModel]) -> Table:
    return table.__table__  # type: ignore[attr-defined, no-any-return]  # SQLModel does not declare it


def _key(table: type[SQLModel]) -> list[str]:
    return [column.name for column in _table(table).primary_key]
