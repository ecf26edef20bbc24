"""Fixtures that every test may use."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doors import AppDoor, RestartingDoor, ServerDoor
from tests.postgres_server import PostgresServer
from tests.projects import copy_example, on_engine


@pytest.fixture(autouse=True)
def _path_of_imports() -> Iterator[None]:
    """Folders that raw assets put on the path of this process are of no use to the next test."""
    before = sys.path[:]
    yield
    sys.path[:] = before


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that want one; started by the first."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["duckdb", "postgres"])
def both_engines(request: pytest.FixtureRequest) -> dict[str, str]:
    """config.yaml and profile.yaml of a project on an empty database of each engine, its connection named `db`."""
    if request.param == "duckdb":
        return on_engine("duckdb")
    return on_engine("postgres", request.getfixturevalue("postgres"))


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[dict[str, str]]:
    """The `config` of a connection to a fresh, empty PostgreSQL database."""
    database = postgres_server.make_database()
    yield postgres_server.parameters | {"database": database}
    postgres_server.drop_database(database)
