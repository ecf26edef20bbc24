"""Fixtures of the server's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor


@pytest.fixture
def opened() -> Iterator[Callable[..., AppDoor]]:
    """Opens doors, and closes them after the test."""
    doors: list[AppDoor] = []

    def open_door(folder: Path, kind: type[AppDoor] = AppDoor, *options: str, **settings: Any) -> AppDoor:
        doors.append(kind(folder, *options, **settings))
        return doors[-1]

    yield open_door
    for door in doors:
        door.stop()
