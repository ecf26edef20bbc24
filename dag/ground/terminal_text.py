"""Untrusted text on a terminal: it must not move the cursor, set the clipboard or reverse the line."""

import unicodedata

_HARMLESS = frozenset("\u200c\u200d")  # joiners, which some scripts and emoji need
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def shown(text: str) -> str:
    r"""The text on one line, with control, format and surrogate characters as escapes.

    >>> shown("a\x1b[31mb\nc")
    'a\\x1b[31mb\\nc'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(character) if _is_unsafe(character) else character for character in text)


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in _UNSAFE and character not in _HARMLESS


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shown_lines(text: str) -> str:
    r"""The same of a text of several lines, which stay lines.

    >>> shown_lines("a\x1b[31m\nb\tc")
    'a\\x1b[31m\nb\tc'
    """
    return "\n".join("\t".join(map(shown, line.split("\t"))) for line in text.split("\n"))
