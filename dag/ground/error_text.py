"""Any exception as text, whatever its class's `__str__` does.

Exceptions of raw assets, listeners and drivers come from code that dagscope does not know. Their `__str__` may raise
anything, even `SystemExit`, and so may their attributes. The type and the chain are therefore read where Python itself
stores them.
"""

from types import TracebackType
from typing import Any


def error_text(error: BaseException) -> str:
    """`str(error)` as plain text that can be stored; "" if the error has no text, or raises instead."""
    try:
        return _storable(str(error))
    except BaseException:  # noqa: BLE001  the code of an unknown class, which may even raise SystemExit
        return ""


def named_error(error: BaseException) -> str:
    """The error as `ValueError: its text`; only the name of its class if it has no text."""
    text = error_text(error)
    return f"{class_name(error)}: {text}" if text else class_name(error)


def class_name(error: BaseException) -> str:
    """The name of the error's class."""
    return _storable(_name.__get__(type(error)))


def cause_of(error: BaseException) -> BaseException | None:
    """The error that this one was raised from."""
    cause: BaseException | None = _cause.__get__(error)
    return cause


def traceback_of(error: BaseException) -> TracebackType | None:
    """Where the error was raised."""
    traceback: TracebackType | None = _traceback.__get__(error)
    return traceback


def _storable(text: str) -> str:
    """A plain `str`, with unpaired surrogates as `?`."""
    return str.encode(text, "utf-8", "replace").decode("utf-8")


# Python's own attributes of an exception and its class, which a class may hide behind its own properties.
_name: Any = type.__dict__["__name__"]
_cause: Any = BaseException.__dict__["__cause__"]
_traceback: Any = BaseException.__dict__["__traceback__"]
