"""Python values as exact JSON text."""

import json
from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from dagscope.dag.ground.json_text import json_text

MOMENT = datetime(2013, 1, 2, 3, 4, 5, 678000)  # noqa: DTZ001  a time without a zone is meant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (12345678901234567890, "12345678901234567890"),
        ('Größe "1"\n', '"Größe \\"1\\"\\n"'),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (float("nan"), "null"),
        (float("-inf"), "null"),
        (Decimal("1.10"), "1.10"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("NaN"), "null"),
        (b"text", '"dGV4dA=="'),
        (date(2013, 1, 2), '"2013-01-02"'),
        (time(3, 4, 5), '"03:04:05"'),
        (MOMENT, '"2013-01-02T03:04:05.678000"'),
        (MOMENT.replace(tzinfo=UTC), '"2013-01-02T03:04:05.678000Z"'),
        (MOMENT.replace(tzinfo=timezone(timedelta(hours=2))), '"2013-01-02T01:04:05.678000Z"'),
        (UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        ((1, [2, {3}], frozenset()), "[1,[2,[3]],[]]"),
        (OrderedDict({"b": Decimal("2.50"), 1: None}), '{"b":2.50,"1":null}'),
    ],
)
def test_exact(value: Any, text: str) -> None:
    """All digits are kept, times are ISO 8601, bytes base64, and numbers that are not finite are null."""
    assert json_text(value) == text
    json.loads(text)


@pytest.mark.parametrize(
    ("value", "type_"),
    [(object(), "builtins.object"), ([{"a": timedelta(1)}], "datetime.timedelta"), (1j, "builtins.complex")],
)
def test_without_a_json_form(value: Any, type_: str) -> None:
    """A value without a JSON form is reported with its type, however deeply it is nested."""
    with pytest.raises(TypeError) as raised:
        json_text(value)
    assert str(raised.value) == f"a value of type {type_} has no JSON form"


def test_keys_of_one_text() -> None:
    """A mapping with two keys that become one key in JSON is refused, because a value would be lost."""
    with pytest.raises(TypeError) as raised:
        json_text({1: "a", "1": "b"})
    assert str(raised.value) == "a mapping whose keys are equal as text, such as 1 and '1', has no JSON form"
