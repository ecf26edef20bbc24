"""Names and values as SQL."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dagscope.dag.model.dialect import Dialect

SQL = Dialect(frozenset({"order"}))


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (7, "7"),
        (1.5, "1.5"),
        (Decimal("1.10"), "1.10"),
        ("it's", "'it''s'"),
        ("'; DROP TABLE x; --", "'''; DROP TABLE x; --'"),
        ([1, "a"], "(1, 'a')"),
        ({"a": "b'c"}, "'{\"a\": \"b''c\"}'"),
        (date(2013, 1, 2), "'2013-01-02'"),
    ],
)
def test_literal(value: Any, literal: str) -> None:
    """Values become SQL literals that cannot end early."""
    assert SQL.literal(value) == literal


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("hello", "hello"),
        ("order", '"order"'),
        ("Total $", '"Total $"'),
        ('a"b', '"a""b"'),
        ("1st", '"1st"'),
        ("", '""'),
    ],
)
def test_identifier(name: str, written: str) -> None:
    """A name is quoted if a bare one would be refused or changed, and cannot end early."""
    assert SQL.identifier(name) == written


def test_relations() -> None:
    """An asset's relation is its model in its stage's schema; a frame for a reader is one table."""
    assert SQL.relation("staging.order") == 'staging."order"'
    assert SQL.input_relation("staging.Orders") == '"tmp_staging_Orders"'
