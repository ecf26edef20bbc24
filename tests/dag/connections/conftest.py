"""Sessions of each engine, for tests of what they have in common."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from dagscope.dag.connections import ENGINES, Connection, Session
from dagscope.dag.ground.cancellation import Cancellation
from tests.spark_server import SparkServer

Connect = Callable[..., Connection]
"""Creates a connection of an engine from the values of its `config`."""


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Creates connections that are closed at the end."""
    with ExitStack() as made:

        def make(engine: str, **values: Any) -> Connection:
            model = ENGINES[engine]
            connection = model.from_config(engine, model.Config.model_validate(values), tmp_path)
            made.callback(connection.close)
            return connection

        yield make


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("spark", marks=pytest.mark.spark),
        pytest.param("iceberg", marks=[pytest.mark.spark, pytest.mark.iceberg]),
    ]
)
def connection(request: pytest.FixtureRequest, connect: Connect) -> Connection:
    """An empty database of each engine; of Spark, a catalog of each format."""
    if request.param == "duckdb":
        return connect("duckdb", path="store/both.duckdb")
    if request.param == "iceberg":
        empty: Connection = request.getfixturevalue("iceberg")
        return empty
    return connect(request.param, **request.getfixturevalue(request.param))


WITH_KEYS = WITH_TRANSACTIONS = pytest.mark.parametrize(
    "connection", ["duckdb", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
"""For what Spark has not: keys, columns that a table computes, and several statements that see the same moment."""

WITH_COUNTS = pytest.mark.parametrize(
    "connection",
    ["duckdb", *(pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("postgres", "spark"))],
    indirect=True,
)
"""For what Iceberg has not: how many rows an UPDATE or a DELETE changed."""


@pytest.fixture
def iceberg(connect: Connect, spark_server: SparkServer) -> Iterator[Connection]:
    """An empty catalog of Iceberg tables."""
    yield connect("spark", **spark_server.parameters, catalog="ice", table_format="iceberg")
    spark_server.empty_iceberg()


@pytest.fixture
def session(connection: Connection) -> Iterator[Session]:
    """A session of each engine."""
    with connection.session() as opened:
        yield opened


@pytest.fixture
def cancelled_session(connection: Connection) -> Iterator[tuple[Session, Cancellation]]:
    """A session of each engine and the cancellation that stops it."""
    cancellation = Cancellation()
    with connection.session(cancellation) as opened:
        yield opened, cancellation


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    table = session.read(sql).read_all()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
