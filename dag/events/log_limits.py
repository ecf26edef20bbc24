"""Limits of what is stored of assets' logs: longer texts are truncated with a note, further entries are counted."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dagscope.dag.ground.error_text import class_name
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.redaction.redaction import Redaction

_SLACK = 300  # characters for the note, and for text around a part that is truncated already
_MARGIN = 10_000  # characters beyond the limit that are searched for secrets: half a secret is not recognized


@dataclass(frozen=True)
class LogLimits:
    """The settings of the same names, for one task (docs/settings.md)."""

    message_chars: int
    entry_chars: int
    task_entries: int


UNLIMITED = LogLimits(message_chars=2**63, entry_chars=2**63, task_entries=2**63)


@dataclass(eq=False)
class EntryCount:
    """Counts the entries that assets write in one attempt; safe from any thread."""

    most: int
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))  # type: ignore[type-arg]  # generic for mypy alone
    dropped: int = 0

    def admits_one_more(self) -> bool:
        """Whether the entry that is about to be written is stored."""
        if next(self._numbers) <= self.most:
            return True
        self.dropped += 1
        return False


def shown(text: str, redaction: Redaction, most: int, setting: str) -> str:
    """The text with secrets hidden, at most that long, plus a note if it was truncated."""
    if len(text) <= most + _SLACK:
        return redaction.text(text)
    kept = redaction.text(text[: most + _MARGIN])[:most]
    return f"{kept}… ({len(text) - most:,} more characters were cut: {setting})"


def shown_fields(fields: Mapping[str, Any], redaction: Redaction, most: int) -> dict[str, Any]:
    """The values of an entry's fields as plain JSON data, at most that long in total. Never raises."""
    kept, room = {}, most
    for key, value in fields.items():
        kept[key], length = _kept(value, redaction, room)
        room = max(0, room - length)
    return kept


def _kept(value: Any, redaction: Redaction, room: int) -> tuple[Any, int]:
    if value is None or isinstance(value, bool) or (type(value) is int and abs(value) < _LARGE):
        return value, _SHORT
    if isinstance(value, str):
        text = str.__str__(value)
        return shown(text, redaction, room, _ENTRY_CHARS), len(text)
    try:
        plain = redaction.value(value)
        text = json_text(plain)
    except BaseException as error:  # noqa: BLE001  the code of an unknown class, which may raise anything
        return f"a value that cannot be shown: {class_name(error)}", _SHORT
    return (plain, len(text)) if len(text) <= room else (shown(text, redaction, room, _ENTRY_CHARS), len(text))


_LARGE, _SHORT = 10**20, 20  # most values are small numbers, and are not measured
_ENTRY_CHARS = "DAGSCOPE_ENTRY_CHARS"
