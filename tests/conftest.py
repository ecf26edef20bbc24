"""Fixtures for all tests, and the markers that say what a test needs (pyproject.toml describes them)."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

from examples.crossdb.postgres_server import PostgresServer
from examples.lake.spark_files import JavaMissing
from tests.bundles import OpenBundle, OpenedBundle
from tests.doors import AppDoor, OpenDoor, RestartingDoor, Serve, ServerDoor, wait_until
from tests.projects import copy_example, on_engine
from tests.spark_server import SparkServer

settings.register_profile(
    "fixed", derandomize=True, max_examples=6, phases=[Phase.explicit, Phase.generate], database=None, deadline=None
)
settings.register_profile("thorough", max_examples=100, print_blob=True, database=None, deadline=None)
settings.load_profile("fixed")  # --hypothesis-profile=thorough draws other examples, and shrinks one that fails

_MARKER_OF_FIXTURE = {
    "chromium": "page",
    "open_bundle": "server",
    "postgres_server": "postgres",
    "serve": "server",
    "served_hello": "server",
    "spark_server": "spark",
}
# The first test waits for the installation and the start; `make spark-faults` repeats what others do once.
_SPARK_TIMEOUT_S = 600 * int(os.environ.get("ROUNDS", "1"))
_MAY_START_PROCESSES = frozenset({"dagster", "faults", "page", "postgres", "server", "spark"})


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark a test by the fixtures that it uses, directly or through others."""
    for fixture, marker in _MARKER_OF_FIXTURE.items():
        if fixture in getattr(item, "fixturenames", ()):
            item.add_marker(marker)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Dagster first: one worker waits for its installation, the others run the rest.

    A test that drives real processes shares the machine with them: one that fails is tried again once, and listed as
    RERUN at the end, for someone to find out why.
    """
    items.sort(key=lambda item: item.get_closest_marker("dagster") is None)
    for item in items:
        if any(marker.name in _MAY_START_PROCESSES for marker in item.iter_markers()):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.timeout(_SPARK_TIMEOUT_S))


class _Processes:
    """Fails a test that starts a process without a marker that allows it: `make quick` would wait for it."""

    def __init__(self) -> None:
        self.refused_to = ""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and self.refused_to:
            raise AssertionError(f"{self.refused_to} starts a process: mark it, or use the fixture `serve`")


_processes = _Processes()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    is_marked = any(marker.name in _MAY_START_PROCESSES for marker in item.iter_markers())
    _processes.refused_to = "" if is_marked else item.nodeid


def pytest_runtest_teardown() -> None:
    _processes.refused_to = ""


@pytest.fixture(autouse=True)
def _path_of_imports() -> Iterator[None]:
    """Removes the folders that raw assets added to this process's import path."""
    before = sys.path[:]
    yield
    sys.path[:] = before


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """A fresh copy of the spec's own two-node project."""
    return copy_example("hello", tmp_path)


@pytest.fixture
def opened() -> Iterator[OpenDoor]:
    """Opens doors in this process and closes them after the test."""
    with ExitStack() as doors:

        def open_door(folder: Path, kind: type[AppDoor] = AppDoor, **settings: Any) -> AppDoor:
            door = kind(folder, **settings)
            doors.callback(door.stop)
            return door

        yield open_door


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers and stops them after the test."""
    with ExitStack() as servers:

        def start(folder: Path, *options: str, **settings: Any) -> ServerDoor:
            server = ServerDoor(folder, *options, **settings)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def open_bundle() -> Iterator[OpenBundle]:
    """Opens bundles and closes them after the test."""
    with ExitStack() as bundles:

        def open_(file: Path) -> OpenedBundle:
            opened = OpenedBundle(file)
            bundles.callback(opened.stop)
            return opened

        yield open_


@pytest.fixture(scope="session")
def served_hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """One server of the hello project, for all tests that leave nothing but tasks behind."""
    server = ServerDoor(copy_example("hello", tmp_path_factory.mktemp("served")))
    yield server
    server.stop()


@pytest.fixture(params=["app", "restarted", pytest.param("server", marks=pytest.mark.server)])
def door(request: pytest.FixtureRequest, hello: Path, opened: OpenDoor) -> AppDoor:
    """The hello project behind each kind of door, without a task."""
    if request.param == "server":
        server: ServerDoor = request.getfixturevalue("served_hello")
        wait_until(lambda: server.post("/api/dag/reset").status_code == 200)  # an execute answers before its task ends
        return server
    return opened(hello, RestartingDoor if request.param == "restarted" else AppDoor)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that need one, started by the first of them."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)])
def both_engines(request: pytest.FixtureRequest) -> dict[str, str]:
    """config.yaml and profile.yaml of a project on an empty database of each engine, its connection named `db`."""
    if request.param == "duckdb":
        return on_engine("duckdb")
    return on_engine("postgres", request.getfixturevalue("postgres"))


@pytest.fixture(
    params=["duckdb", *(pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("postgres", "spark"))]
)
def every_engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """The same on Spark too: what is written in a few seconds there, and has no keys and no transactions."""
    if request.param == "duckdb":
        return on_engine("duckdb")
    return on_engine(request.param, request.getfixturevalue(request.param))


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[dict[str, str]]:
    """The `config` of a connection to a fresh, empty PostgreSQL database."""
    database = postgres_server.make_database()
    yield postgres_server.parameters | {"database": database}
    postgres_server.drop_database(database)


@pytest.fixture(scope="session")
def spark_server() -> Iterator[SparkServer]:
    """One Spark Connect server for all tests that need one, started by the first of them; skips only without Java."""
    try:
        starting = SparkServer()
    except JavaMissing as error:
        pytest.skip(str(error))
    with starting as server:
        yield server


@pytest.fixture
def spark(spark_server: SparkServer) -> Iterator[dict[str, str]]:
    """The `config` of a connection to an empty catalog."""
    yield spark_server.parameters
    spark_server.empty()
