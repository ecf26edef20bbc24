"""Finding text in log entries: an SQL condition for what a person types, with letters of any script in any case.

ASCII text is found by SQLite's own LIKE. Other text is compared in Python, with Unicode's case folding, but only in
entries that contain a character outside ASCII, because no other entry can match. Both take a time that grows with the
log, and no faster.
"""

import json
import re
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from sqlalchemy import ColumnElement, LargeBinary, String, and_, cast, false, func, or_
from sqlalchemy.orm import Mapped
from sqlmodel import col

from dagscope.dag.ground.json_text import json_text
from dagscope.storage import tables

_MESSAGE, _DATA = col(tables.LogEntry.message), col(tables.LogEntry.data)
_Text = Mapped[str] | ColumnElement[Any]
_SHOWN_WITH_MESSAGE = ("error", "exception")
"""Fields that are searched like the message."""

_FIELD = re.compile(r"([^\s=]+)=(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f-\U0010ffff]')
"""A character that JSON escapes, or whose case LIKE does not know."""


def contains(text: str) -> ColumnElement[bool]:
    """True for an entry that contains the text in its message, error or exception, in any case.

    `field=value` is also true for an entry that has this value in this field.
    """
    found = or_(
        _holds(_MESSAGE, text),
        *(
            and_(func.instr(_DATA, f'"{name}":') > 0, _holds(func.json_extract(_DATA, f"$.{name}"), text))
            for name in _SHOWN_WITH_MESSAGE
        ),
    )
    field = _FIELD.fullmatch(text)
    return or_(found, _has_value(field[1], field[2].strip())) if field else found


def add_functions(connection: Any) -> None:
    """Add the functions that the conditions call to a connection of the driver."""
    connection.create_function("contains_folded", 2, _contains_folded, deterministic=True)
    connection.create_function("field_has_value", 3, _field_has_value, deterministic=True)


def _holds(value: _Text, text: str) -> ColumnElement[bool]:
    if text.isascii():
        return value.like(f"%{_escaped(text)}%", escape="\\")
    folded = _folded(text)
    found = and_(_is_beyond_ascii(value), func.contains_folded(value, folded))
    return or_(found, value.like(f"%{_escaped(folded)}%", escape="\\")) if folded.isascii() else found


def _is_beyond_ascii(value: _Text) -> ColumnElement[bool]:
    return func.length(value) < func.length(cast(cast(value, String), LargeBinary))


def _has_value(field: str, value: str) -> ColumnElement[bool]:
    """True for an entry with the value in the field. Most others are ruled out by their text, which is compact JSON."""
    likely = (_DATA.like(f"%{_escaped(start)}%", escape="\\") for start in _json_starts(field, value))
    return and_(or_(false(), *likely), func.field_has_value(_DATA, field, value))


def _json_starts(field: str, value: str) -> tuple[str, ...]:
    """How `"field":value` may start in the JSON of an entry, as far as LIKE can find it in any case."""
    name = _plain_start(field)
    if name != field:
        return (f'"{name}',)
    is_fraction = _NUMBER.fullmatch(value) and "." in value
    bare = value.rstrip("0").rstrip(".") if is_fraction else value
    return f'"{field}":"{_plain_start(value)}', f'"{field}":{_plain_start(bare)}'


def _plain_start(text: str) -> str:
    return _SPECIAL.split(text, maxsplit=1)[0]


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _folded(text: str) -> str:
    return normalize("NFC", text).casefold()


def _contains_folded(value: object, folded: str) -> bool:
    return value is not None and folded in _folded(str(value))


def _field_has_value(data: str, field: str, value: str) -> bool:
    wanted, name = _folded(value), _folded(field)
    fields = json.loads(data, parse_int=Decimal, parse_float=Decimal)
    return any(_folded(key) == name and _is_value(kept, wanted) for key, kept in fields.items())


def _is_value(kept: object, wanted: str) -> bool:
    if isinstance(kept, str):
        return _folded(kept) == wanted
    if isinstance(kept, Decimal) and _NUMBER.fullmatch(wanted):
        return kept == Decimal(wanted)
    return _folded(json_text(kept)) == wanted
