"""Where in a statement a DuckDB error occurred: its text shows the line and a marker, but not the offset."""

import re

_SHOWN = re.compile(r"^(?P<prefix>LINE (?P<number>\d{1,9}): )(?P<excerpt>.*)\n(?P<indent> *)\^", re.MULTILINE)
_CUT = "..."


def error_offset(sql: str, message: str) -> int | None:
    """The offset in the statement, from 0; None if the text shows no place, or is ambiguous.

    >>> error_offset("SELECT 1,\\n  foo", "Binder Error: ...\\n\\nLINE 2:   foo\\n          ^")
    12
    """
    shown = None
    for shown in _SHOWN.finditer(message):  # noqa: B007  the last one
        pass
    lines = sql.split("\n")
    if shown is None or not 1 <= int(shown["number"]) <= len(lines):
        return None
    number, excerpt = int(shown["number"]), shown["excerpt"]
    line = lines[number - 1]
    start = _start_of(excerpt, line)
    place = _characters(excerpt, len(shown["indent"]) - len(shown["prefix"]))
    if start is None or place is None:
        return None
    return sum(len(earlier) + 1 for earlier in lines[: number - 1]) + start + place


def moved(message: str, lines: int) -> str:
    """The message with its line number increased by `lines`."""

    def renumbered(shown: re.Match[str]) -> str:
        prefix = f"LINE {int(shown['number']) + lines}: "
        indent = shown["indent"] + " " * (len(prefix) - len(shown["prefix"]))
        return f"{prefix}{shown['excerpt']}\n{indent}^"

    return _SHOWN.sub(renumbered, message)


def without_place(message: str) -> str:
    """The message without the line and the marker.

    >>> without_place("Conversion Error: ...\\n\\nLINE 1: SELECT x\\n               ^")
    'Conversion Error: ...'
    """
    return _SHOWN.sub("", message).rstrip("^ \n")


def _start_of(excerpt: str, line: str) -> int | None:
    """Where in the line the excerpt starts; in a long line it is cut at one or both ends."""
    if excerpt == line:
        return 0
    head = excerpt.removesuffix(_CUT)
    if line.startswith(head):
        return 0
    body = head.removeprefix(_CUT)
    if head == excerpt and line.endswith(body):
        return len(line) - len(body) - len(_CUT)
    start = line.find(body)
    return start - len(_CUT) if start >= 0 and line.find(body, start + 1) < 0 else None


def _characters(excerpt: str, cells: int) -> int | None:
    """The number of characters of the excerpt that fill the given number of terminal cells."""
    from wcwidth import wcwidth  # its tables take longer to import than DuckDB's module; only errors need them

    for index, character in enumerate(excerpt):
        width = max(0, wcwidth(character))  # -1 for a control character
        if cells == 0 and width:
            return index
        cells -= width
    return len(excerpt) if cells == 0 else None
