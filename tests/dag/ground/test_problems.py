"""The text of a problem."""

import pytest

from dagscope.dag.ground.problems import Problem, did_you_mean

KNOWN = ("staging.orders", "staging.customers", "mart.sales")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("staging.order", '; did you mean "staging.orders"?'),
        ("orders", '; did you mean "staging.orders"?'),
        ("mart.orders", '; did you mean "staging.orders"?'),
        ("staging.planes", "; known: mart.sales, staging.customers, staging.orders"),
    ],
)
def test_nearest_name(word: str, hint: str) -> None:
    """The nearest name is suggested, whatever its stage; if no name is near, all are listed."""
    assert did_you_mean(word, KNOWN) == hint


def test_many_names() -> None:
    """Of many names the first eight are listed; without names nothing is added."""
    assert did_you_mean("zz", "abcdefghi") == "; known: a, b, c, d, e, f, g, h, …"
    assert did_you_mean("zz", ()) == ""


def test_place() -> None:
    """A problem of a whole file has no line."""
    assert str(Problem("config.yaml", 0, "file not found")) == "config.yaml: file not found"
    assert str(Problem("config.yaml", 3, "unknown key")) == "config.yaml:3: unknown key"
