"""Highlighted code as JSON, within limits of length and time, and kept for the next request.

`code_tokens` is imported when code is shown first, in the thread that does this: compiling its patterns takes long.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from time import perf_counter
from typing import TYPE_CHECKING

from pydantic_core import to_json

from dagscope.server.workspace.newest import Newest

if TYPE_CHECKING:
    from dagscope.server.api.code_tokens import Span

LONGEST_CODE = 100_000  # characters; longer code is plain
_LONGEST_S = 2.0  # of reading one text; what takes longer, on a busy machine, is plain
_KEPT_BYTES = 32 << 20

_SPACE_AT_END = re.compile(r"[ \t\r\f\v]++$", re.MULTILINE)


class _TooSlow(Exception):
    """Reading a text took too long."""


_kept: Newest[str] = Newest(_KEPT_BYTES)


def sql_lines(text: str, assets: Iterable[str] = ()) -> str:
    """A SQL template, or SQL that it made, as a JSON array of lines; these assets can be references in it."""
    from dagscope.server.api.code_tokens import sql_spans

    names = sorted(assets)
    return _lines(text, "\0".join(names), lambda text: sql_spans(text, names))


def plain_code(text: str) -> str:
    """Any code as a JSON array of lines of one class."""
    from dagscope.server.api.code_tokens import plain_lines

    return _json(list(plain_lines(text)))


def python_lines(text: str) -> str:
    """Python code as a JSON array of lines, without the space at their ends."""
    from dagscope.server.api.code_tokens import python_spans

    return _lines(_SPACE_AT_END.sub("", text), "python", python_spans)


def _lines(text: str, kind: str, spans: "Callable[[str], Iterator[Span]]") -> str:
    from dagscope.server.api.code_tokens import lines_of

    key = blake2b(f"{kind}\0\0{text}".encode("utf-8", "surrogatepass"), digest_size=20).digest()
    found = _kept.get(key)
    if found is not None:
        return found
    try:
        lines = None if len(text) > LONGEST_CODE else list(lines_of(text, _in_time(spans(text))))
    except _TooSlow:
        return plain_code(text)  # not kept: the next request may have the time
    answer = _json(lines) if lines is not None else plain_code(text)
    _kept.keep(key, answer, len(answer))
    return answer


def _in_time(spans: "Iterator[Span]") -> "Iterator[Span]":
    ends_at = perf_counter() + _LONGEST_S
    for span in spans:
        if perf_counter() > ends_at:
            raise _TooSlow
        yield span


def _json(lines: object) -> str:
    return to_json(lines).decode()
