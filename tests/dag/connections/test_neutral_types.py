"""The neutral vocabulary of column types."""

import pytest

from dagscope.dag.connections.neutral_types import NeutralType


@pytest.mark.parametrize(
    "text", ["uuid", "decimal", "decimal(50,2)", "list<uuid>", "struct<plain, map<plain, list<decimal(39,0)>>>"]
)
def test_there_and_back(text: str) -> None:
    """A type and its text convert to each other."""
    assert str(NeutralType.parse(text)) == text


@pytest.mark.parametrize(("text", "is_plain"), [("plain", True), ("list<plain>", True), ("struct<plain, uuid>", False)])
def test_plain(text: str, is_plain: bool) -> None:
    """Arrow's own type is exact if every part of the type is plain."""
    assert NeutralType.parse(text).is_plain is is_plain
