"""The budget of one rendering of a template: steps, text and time, counted as they are spent."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Set, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from jinja2.utils import Namespace

from dagscope.dag.ground.processor_time import ProcessorTime

STEPS = 500_000
"""Calls, filters, comparisons and rounds of loops in one rendering."""

CHARACTERS = 16 * 1024 * 1024
"""Characters of the SQL and of every string, list and mapping that is created on the way to it."""

INTEGER_BITS = 65_536
"""The largest whole number, in bits."""

TIME_LIMIT_S = 1.0
"""Default limit of the processor time of one rendering."""

_ITEM = 16  # characters that an item of a list counts for, in addition to its own
_CLOCK_EVERY = 32  # steps; reading the clock for each would take as long as the step
_CONTAINERS = (list, tuple, set, frozenset, ItemsView, KeysView, ValuesView, Set)
T = TypeVar("T")


class LimitReached(Exception):
    """The template exceeds the budget of a rendering; the message says which limit."""


class Meter:
    """The budget of one rendering. Every method raises `LimitReached` once it is used up."""

    def __init__(self, time_limit_s: float = TIME_LIMIT_S) -> None:
        self.characters_left = CHARACTERS
        self._steps_left = STEPS
        self._time_limit_s = time_limit_s
        self._time = ProcessorTime(time_limit_s)

    def step(self) -> None:
        """Count one step."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise LimitReached(f"the template takes more than {STEPS:,} steps; make its loops shorter")
        if self._steps_left % _CLOCK_EVERY == 0 and self._time.is_over:
            raise LimitReached(f"the template takes longer than {self._time_limit_s:g} s; make its loops shorter")

    def allow(self, characters: int) -> None:
        """Refuse to create this many characters if fewer are left."""
        if characters > self.characters_left:
            raise LimitReached(f"the template produces more than {CHARACTERS:,} characters; shorten its output")

    def made(self, value: T) -> T:
        """The value, counted as created text."""
        characters = self.size(value)
        self.allow(characters)
        self.characters_left -= characters
        return value

    def each(self, values: Iterable[T]) -> Iterator[T]:
        """The values; each one counts as a step and as created text."""
        for value in values:
            self.step()
            yield self.made(value)

    def size(self, value: Any) -> int:
        """The approximate length of `str(value)`; stops counting at the number that is left."""
        if isinstance(value, str | bytes | bytearray):
            return len(value)
        if isinstance(value, int):
            return self._integer_size(value)
        total, ahead = 0, [value]
        while ahead:
            total += 1
            inner = ahead.pop()
            if isinstance(inner, str | bytes | bytearray):
                total += len(inner)
            elif isinstance(inner, int):
                total += self._integer_size(inner)
            elif children := _children(inner):
                self.step()
                total += len(children) * _ITEM
                self.allow(total)
                ahead.extend(children)
        self.allow(total)
        return total

    def _integer_size(self, value: int) -> int:
        bits = value.bit_length()
        if bits > INTEGER_BITS:
            raise LimitReached(f"a number in the template has more than {INTEGER_BITS:,} bits")
        return bits // 3 + 1


def _children(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, _CONTAINERS):
        return list(value)
    if isinstance(value, Namespace):
        return list(value._Namespace__attrs.values())  # noqa: SLF001  its repr shows them
    return []


_current: ContextVar[Meter] = ContextVar("meter of the template that is being rendered")


def current_meter() -> Meter:
    """The meter of the current rendering in this thread."""
    return _current.get()


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Inside the block, templates are counted by this meter."""
    token = _current.set(meter)
    try:
        yield
    finally:
        _current.reset(token)
