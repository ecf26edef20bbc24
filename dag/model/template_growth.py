"""Operations that produce a large result from small input, such as `'a' * 10**10`: refused before Python starts them.

Each of them is one call into C, which no clock can end. The `Meter` counts what grows in small steps instead.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dagscope.dag.model.template_meter import INTEGER_BITS, LimitReached, Meter

WIDEST = 10_000
"""The widest padding, indentation or number format."""

_LONGEST_SLOW = 65_536  # characters, for filters whose time grows quadratically
_WORDS = 100_000  # of lipsum
_SEARCHED = 100_000_000  # characters times characters, for a search from the right
_WIDE_NUMBER = re.compile(r"\d{5,}")
_NESTED_FIELD = re.compile(r"\{[^{}]*\{")

Arguments = tuple[Any, ...]


def check_operation(meter: Meter, operator: str, left: Any, right: Any) -> None:
    """Refuse `left <operator> right` if its result would be too large."""
    if operator == "*":
        _check_product(meter, left, right)
        _check_product(meter, right, left)
    elif operator == "**" and isinstance(left, int) and isinstance(right, int):
        if right > 0 and left.bit_length() * right > INTEGER_BITS:
            raise LimitReached(f"a number in the template has more than {INTEGER_BITS:,} bits")
    elif operator == "+" and isinstance(left, Sequence):
        meter.allow(meter.size(left) + meter.size(right))
    elif operator == "%" and isinstance(left, str | bytes):
        check_percent_format(meter, left, right)


def _check_product(meter: Meter, values: Any, times: Any) -> None:
    if isinstance(times, int):
        if isinstance(values, str | bytes | bytearray | list | tuple):
            meter.allow(meter.size(values) * max(times, 0))
        elif isinstance(values, int) and values.bit_length() + times.bit_length() > INTEGER_BITS:
            raise LimitReached(f"a number in the template has more than {INTEGER_BITS:,} bits")


def check_percent_format(meter: Meter, form: str | bytes, values: Any) -> None:
    """Refuse `form % values` if its result would be too large."""
    text = form if isinstance(form, str) else form.decode("latin-1")
    _check_widths(text)
    if "*" in text:
        _check_numbers(values if isinstance(values, tuple) else (values,))
    meter.allow(len(text) + text.count("%") * (meter.size(values) + WIDEST * bool(_has_width(text))))


def _has_width(text: str) -> bool:
    return any(character.isdigit() or character == "*" for character in text)


def _check_widths(form: str) -> None:
    if _WIDE_NUMBER.search(form):
        raise LimitReached(f"a width in a format is at most {WIDEST - 1:,}")


def _check_numbers(values: Sequence[Any]) -> None:
    if any(isinstance(value, int) and abs(value) > WIDEST for value in values):
        raise LimitReached(f"a width, an indentation or a number of items is at most {WIDEST:,}")


def check_call(meter: Meter, function: Any, arguments: Arguments, named: Mapping[str, Any]) -> Arguments:
    """Refuse a call whose result would be too large; returns the arguments to call the function with."""
    owner, name = _method(function)
    if owner is None:
        if name == "generate_lorem_ipsum":
            _check_words(arguments, named)
        return arguments
    given = (*arguments, *named.values())
    if isinstance(owner, str | bytes | bytearray):
        if name == "join" and arguments:
            arguments = (_listed(meter, arguments[0]), *arguments[1:])
            meter.allow(meter.size(arguments[0]) + len(owner) * len(arguments[0]))
        else:
            _check_text_method(meter, owner, name, given)
    elif isinstance(owner, int):
        _check_numbers(given)
    else:
        for value in given:
            meter.made(value)  # a container adds it
    return arguments


def _listed(meter: Meter, values: Any) -> Any:
    return list(meter.each(values)) if isinstance(values, Iterator) else values


def _method(function: Any) -> tuple[Any, str]:
    """The built-in value that a function is a method of, and its name."""
    function = getattr(function, "__wrapped__", function)  # Jinja's sandbox wraps str.format
    owner = getattr(function, "__self__", None)
    return (owner if _is_built_in(owner) else None), getattr(function, "__name__", "")


def _is_built_in(owner: Any) -> bool:
    return isinstance(owner, str | bytes | bytearray | int | list | dict | set)


def _check_words(arguments: Arguments, named: Mapping[str, Any]) -> None:
    values = dict(zip(("n", "html", "min", "max"), arguments, strict=False)) | dict(named)
    paragraphs, longest = values.get("n", 5), values.get("max", 100)
    if isinstance(paragraphs, int) and isinstance(longest, int) and paragraphs * longest > _WORDS:
        raise LimitReached(f"lipsum returns at most {_WORDS:,} words")


def _check_text_method(meter: Meter, owner: Any, name: str, given: Arguments) -> None:
    if name in ("center", "ljust", "rjust", "zfill"):
        _check_numbers(given)
    elif name == "expandtabs":
        _check_numbers(given)
        meter.allow(len(owner) + len(owner.split()) * WIDEST if given else 0)
    elif name == "replace" and len(given) > 1:
        _check_replacement(meter, owner, given[0], given[1])
    elif name in ("format", "format_map") and isinstance(owner, str):
        _check_brace_format(meter, owner, given)
    elif name == "translate" and given:
        longest = max((meter.size(value) for value in getattr(given[0], "values", list)()), default=1)
        meter.allow(len(owner) * max(longest, 1))
    elif name.startswith("r") or name in ("strip", "lstrip"):  # these have no fast search
        if given and isinstance(given[0], str | bytes) and len(owner) * len(given[0]) > _SEARCHED:
            raise LimitReached(f'the strings of "{name}" are too long; search a shorter string')
    elif name == "striptags":
        _check_slow(meter, name, owner)


def _check_replacement(meter: Meter, text: Any, old: Any, new: Any) -> None:
    if isinstance(old, type(text) | str) and isinstance(new, type(text) | str):
        meter.allow(len(text) + text.count(old) * len(new))


def _check_brace_format(meter: Meter, form: str, given: Arguments) -> None:
    _check_widths(form)
    if _NESTED_FIELD.search(form):
        _check_numbers([number for value in given for number in _numbers_in(value)])
    largest = sum(meter.size(value) for value in given)
    meter.allow(len(form) + form.count("{") * (largest + WIDEST * bool(_has_width(form))))


def _numbers_in(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _check_slow(meter: Meter, name: str, value: Any) -> None:
    if meter.size(value) > _LONGEST_SLOW:
        raise LimitReached(f'"{name}" accepts at most {_LONGEST_SLOW:,} characters')


def check_filter(meter: Meter, name: str, value: Any, arguments: Arguments, named: Mapping[str, Any]) -> None:
    """Refuse `value|name(arguments)` if its result would be too large."""
    check = _FILTERS.get(name)
    if check is not None:
        check(meter, value, (*arguments, *named.values()))


FilterCheck = Callable[[Meter, Any, Arguments], None]


def _padded(_: Meter, __: Any, given: Arguments) -> None:
    _check_numbers(given)


def _indented(meter: Meter, value: Any, given: Arguments) -> None:
    _check_numbers(given)
    widest = max((item if isinstance(item, int) else meter.size(item) for item in given), default=4)
    lines = value.count("\n") + 1 if isinstance(value, str) else meter.size(value)
    meter.allow(meter.size(value) + lines * int(widest))


def _joined(meter: Meter, value: Any, given: Arguments) -> None:
    separators = len(value) if hasattr(value, "__len__") else meter.size(value)
    meter.allow(meter.size(value) + separators * (meter.size(given[0]) if given else 0))


def _replaced(meter: Meter, value: Any, given: Arguments) -> None:
    if len(given) > 1:
        _check_replacement(meter, str(value) if meter.made(value) is not None else "", str(given[0]), str(given[1]))


def _formatted(meter: Meter, value: Any, given: Arguments) -> None:
    check_percent_format(meter, str(meter.made(value)), given)


def _wrapped(meter: Meter, value: Any, given: Arguments) -> None:
    _check_numbers(given)
    _slow("wordwrap")(meter, value, given)
    meter.allow(meter.size(value) * max((meter.size(item) for item in given if isinstance(item, str)), default=1))


def _slow(name: str) -> FilterCheck:
    def check(meter: Meter, value: Any, given: Arguments) -> None:
        _check_slow(meter, name, value)
        _check_numbers(given)
        for item in given:
            _check_slow(meter, name, item)

    return check


def _summed(meter: Meter, value: Any, given: Arguments) -> None:
    if any(isinstance(item, list | tuple) for item in given):  # each step copies the sum so far
        _check_slow(meter, "sum", list(meter.each(value)) if isinstance(value, Iterator) else value)


_FILTERS: dict[str, FilterCheck] = {
    **dict.fromkeys(("center", "batch", "slice", "round", "truncate", "tojson"), _padded),
    **{name: _slow(name) for name in ("striptags", "urlize", "pprint", "xmlattr", "title", "wordcount")},
    "indent": _indented,
    "join": _joined,
    "replace": _replaced,
    "format": _formatted,
    "wordwrap": _wrapped,
    "sum": _summed,
}
