"""Fixtures that every test may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors import AppDoor, RestartingDoor, ServerDoor
from tests.projects import copy_example


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A fresh copy of the spec's own two-node project."""
    return copy_example("hello", tmp_path)


@pytest.fixture(params=[AppDoor, RestartingDoor, ServerDoor], ids=["app", "restarted", "server"])
def door(request: pytest.FixtureRequest, hello: Path) -> Iterator[AppDoor]:
    """The hello project behind each kind of door."""
    opened: AppDoor = request.param(hello)
    yield opened
    opened.stop()
