"""Python values as exact JSON text (contract, Data)."""

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

_EXPONENT = 400  # beyond the largest float


def json_text(
    value: Any, not_finite: Callable[[str], str] = lambda _: "null", comma: str = ",", colon: str = ":"
) -> str:
    """The value as JSON: decimals with all digits, times in ISO 8601, bytes in base64, NaN and infinities null.

    `not_finite` returns another JSON text for `NaN`, `Infinity` and `-Infinity`. `comma` and `colon` separate
    items, and a key from its value.

    Raises `TypeError` naming the type of a value that has no JSON form.
    """
    match value:
        case None | bool() | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return json.dumps(value) if math.isfinite(value) else not_finite(json.dumps(value))
        case Decimal():
            return f"{value:f}" if value.is_finite() else not_finite(str(value))
        case Mapping():
            texts = {json_text(str(key)): json_text(item, not_finite, comma, colon) for key, item in value.items()}
            if len(texts) < len(value):
                raise TypeError("a mapping whose keys are equal as text, such as 1 and '1', has no JSON form")
            return "{" + comma.join(f"{key}{colon}{text}" for key, text in texts.items()) + "}"
        case list() | tuple() | set() | frozenset():
            return "[" + comma.join(json_text(item, not_finite, comma, colon) for item in value) + "]"
        case datetime():
            return json.dumps(_iso_datetime(value))
        case date() | time():
            return json.dumps(value.isoformat())
        case bytes():
            return json.dumps(base64.b64encode(value).decode("ascii"))
        case UUID():
            return json.dumps(str(value))
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a NumPy scalar
        return json_text(value.item(), not_finite)
    raise TypeError(f"a value of type {type(value).__module__}.{type(value).__qualname__} has no JSON form")


def exact_json(text: str | bytes) -> Any:
    """JSON as Python values, numbers with a fraction or an exponent as decimals. Raises `ValueError`.

    >>> exact_json('{"price": 1.10}')
    {'price': Decimal('1.10')}
    """
    return json.loads(text, parse_float=_exact_number)


def _exact_number(text: str) -> Decimal | float:
    """A decimal; a float if the exponent is so large that writing out the digits would take too much room."""
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    is_written_out = isinstance(exponent, int) and abs(exponent) <= max(_EXPONENT, len(text))
    return number if is_written_out else float(text)


def _iso_datetime(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
