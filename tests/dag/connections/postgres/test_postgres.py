"""What is specific to PostgreSQL: its configuration, its errors, its pool, its transactions."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from dagscope.dag.connections.postgres.bulk import database_text
from dagscope.dag.connections.postgres.config import PostgresConfig
from dagscope.dag.connections.postgres.connection import PostgresConnection
from dagscope.dag.connections.postgres.session import PostgresSession
from dagscope.dag.ground.errors import ColumnsDiffer, ConnectionFailed, DagscopeError, StatementFailed
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization
from examples.crossdb.postgres_server import PostgresServer
from tests.dag.connections.conftest import Connect, rows

Parameters = dict[str, str]


@pytest.fixture
def connection(connect: Connect, postgres: Parameters) -> PostgresConnection:
    made = connect("postgres", **postgres)
    assert isinstance(made, PostgresConnection)
    return made


def make(
    connection: PostgresConnection, name: str, sql: str, kind: str = "table", remade: frozenset[str] = frozenset()
) -> None:
    made = Asset(name, f"{name}.sql", "postgres", "postgres", Materialization(kind), None)
    with connection.session() as session:
        session.create_schema(made.stage)
        session.materialize(made, sql, session.relation_kind(name), remade)


def everything(connection: PostgresConnection, sql: str) -> list[tuple[Any, ...]]:
    with connection.session() as session:
        return rows(session, sql)


# -- configuration


def test_every_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each key can be given as the name of an environment variable."""
    given = {
        "host": "db.example",
        "port": "6432",
        "database": "shop",
        "user": "ann",
        "password": "hunter2",
        "db_root_cert": "certs/root.pem",
        "db_cert": "certs/ann.pem",
        "db_key": "certs/ann.key",
        "db_sslnmode": "verify-full",
        "pool_max_conns": "7",
        "statement_timeout": "30s",
    }
    for key, value in given.items():
        monkeypatch.setenv(f"SHOP_{key.upper()}", value)
    from_environment = PostgresConfig(**{f"{key}_env": f"SHOP_{key.upper()}" for key in given})  # type: ignore[arg-type]
    written = PostgresConfig(**{**given, "port": 6432, "pool_max_conns": 7})  # type: ignore[arg-type]
    made = [PostgresConnection.from_config("pg", config, Path("/project")) for config in (from_environment, written)]
    assert (
        made[0]._parameters
        == made[1]._parameters
        == {
            "host": "db.example",
            "port": 6432,
            "dbname": "shop",
            "user": "ann",
            "password": "hunter2",
            "sslrootcert": "/project/certs/root.pem",
            "sslcert": "/project/certs/ann.pem",
            "sslkey": "/project/certs/ann.key",
            "sslmode": "verify-full",
            "options": "-c statement_timeout=30s",
            "connect_timeout": 10,
            "application_name": "dagscope",
        }
    )
    assert [connection._max_connections for connection in made] == [7, 7]
    assert made[0].secrets == {"hunter2"}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"password_env": "NOT_SET"}, 'environment variable "NOT_SET" is not set ("password_env")'),
        ({"port_env": "HOME"}, 'environment variable "HOME" is not a whole number ("port_env")'),
        (
            {"db_sslnmode_env": "HOME"},
            (
                'environment variable "HOME" is not an SSL mode ("db_sslnmode_env"); known: '
                "allow, disable, prefer, require, verify-ca, verify-full"
            ),
        ),
        (
            {"statement_timeout_env": "HOME"},
            'environment variable "HOME" is not a duration ("statement_timeout_env"); write it as 30s or 5min',
        ),
    ],
)
def test_configuration_that_cannot_be(values: dict[str, str], problem: str) -> None:
    """Contradictory or missing values are reported when the project is loaded."""
    with pytest.raises(ValidationError, match=re.escape(problem)):
        PostgresConfig(**values)  # type: ignore[arg-type]


def test_key_and_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a key and its variable the variable holds, and the key stands in where that is not set or empty."""
    monkeypatch.setenv("TEAL_HOST", "db.example.com")
    monkeypatch.setenv("TEAL_EMPTY", "")
    config = PostgresConfig(host="a", host_env="TEAL_HOST", user="b", user_env="NOT_SET", port=1, port_env="TEAL_EMPTY")
    assert (config.value("host"), config.value("user"), config.value("port")) == ("db.example.com", "b", 1)


@pytest.mark.server
def test_help_imports_no_driver() -> None:
    """A project without PostgreSQL has no cost: the drivers are imported by the first connection."""
    drivers = "('psycopg', 'psycopg_pool', 'adbc_driver_manager')"
    code = f"import sys, dagscope.dag.project.loading; print([name for name in {drivers} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# -- connecting


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"port": 1}, "no server is listening at 127.0.0.1:1; start it, or correct host and port"),
        (
            {"password": "wrong-password"},
            'the server at {place} refuses user "dagscope" with this password; correct user and password',
        ),
        ({"database": "nowhere"}, 'the server at {place} has no database "nowhere"; create it, or correct database'),
        ({"host": "no-such-host.invalid"}, 'host "no-such-host.invalid" cannot be resolved; correct host'),
        (
            {"db_sslnmode": "require"},
            (
                'cannot connect to {place}: connection failed: connection to server at "127.0.0.1", '
                "port {port} failed: server does not support SSL, but SSL was required"
            ),
        ),
    ],
    ids=["refused", "password", "database", "host", "ssl"],
)
def test_connecting_fails(connect: Connect, postgres: Parameters, wrong: dict[str, Any], reason: str) -> None:
    """A failed connection is reported with the cause and what to do, and never with the password."""
    with pytest.raises(ConnectionFailed) as raised:
        connect("postgres", **(postgres | wrong)).connect()
    place = f"127.0.0.1:{postgres['port']}"
    assert str(raised.value) == 'connection "postgres": ' + reason.format(place=place, port=postgres["port"])


def test_server_that_does_not_answer(
    connect: Connect, postgres: Parameters, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting to a server that accepts and then sends nothing times out."""
    monkeypatch.setattr("dagscope.dag.connections.postgres.connection._CONNECT_TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ConnectionFailed) as raised:
            connect("postgres", **(postgres | {"port": port})).connect()
    assert str(raised.value) == (
        f'connection "postgres": the server at 127.0.0.1:{port} did not answer within 2 s; '
        "correct host and port, or try again later"
    )


def test_password_is_in_no_traceback(connect: Connect, postgres: Parameters) -> None:
    """No error contains the password, including its causes."""
    password = postgres["password"]
    with pytest.raises(ConnectionFailed) as raised:
        connect("postgres", **(postgres | {"database": "nowhere"})).connect()
    error: BaseException | None = raised.value
    while error is not None:
        assert password not in f"{error!r} {error} {error.__dict__}"
        error = error.__cause__


def test_pool_that_is_too_small(connect: Connect, postgres: Parameters, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that waits too long for a connection names the setting to raise."""
    monkeypatch.setattr("dagscope.dag.connections.postgres.connection._BUSY_TIMEOUT_S", 1.0)
    connection = connect("postgres", **postgres, pool_max_conns=1)
    with connection.session(), pytest.raises(ConnectionFailed) as raised, connection.session():
        pass
    assert str(raised.value) == (
        'connection "postgres": all 1 connections have been in use for 1 s; raise pool_max_conns, '
        "or run with fewer workers"
    )


def test_session_leaves_nothing_behind(connect: Connect, postgres: Parameters) -> None:
    """A session does not inherit settings, temporary tables or open transactions of the one before."""
    connection = connect("postgres", **postgres, pool_max_conns=1)
    with connection.session() as session:
        session.execute("SET work_mem = '1MB'; CREATE TEMP TABLE mine (id INT)")
        session.execute("BEGIN; CREATE TABLE lost (id INT)")
    with connection.session() as session:
        assert session.scalar("SHOW work_mem") != "1MB"
        assert session.scalar("SELECT to_regclass('mine') IS NULL AND to_regclass('lost') IS NULL") is True


def test_statement_timeout(connect: Connect, postgres: Parameters) -> None:
    """A statement that takes longer than statement_timeout fails, in each of the two drivers."""
    connection = connect("postgres", **postgres, statement_timeout="200ms")
    with connection.session() as session:
        for use in (session.execute, session.read):
            with pytest.raises(StatementFailed) as raised:
                use("SELECT pg_sleep(5)::text")
            assert str(raised.value) == "canceling statement due to statement timeout"


# -- reading what only this session has


def test_rows_of_this_session_alone(connection: PostgresConnection) -> None:
    """A session can read its own temporary tables and what its open transaction has written."""
    with connection.session() as session:
        session.execute(
            "CREATE TEMP TABLE mine AS SELECT 1 AS id, 1.50::numeric(4,2) AS price, gen_random_uuid() AS key"
        )
        assert [row[:2] for row in rows(session, "SELECT * FROM mine")] == [(1, pytest.approx(1.5))]
        session.execute("BEGIN")
        session.execute("INSERT INTO mine VALUES (2, 2.25)")
        assert [row[0] for row in rows(session, "SELECT * FROM mine ORDER BY id")] == [1, 2]
        session.execute("COMMIT")


def test_statements_that_are_no_queries(connection: PostgresConnection) -> None:
    """Statements that cannot be a subquery also return their rows."""
    with connection.session() as session:
        session.execute("CREATE TABLE t (id INT)")
        assert rows(session, "SHOW server_encoding") == [("UTF8",)]
        assert rows(session, "INSERT INTO t VALUES (1), (2) RETURNING id") == [(1,), (2,)]
        assert rows(session, "WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone ORDER BY id") == [
            (1,),
            (2,),
        ]


def test_error_shows_the_line(connection: PostgresConnection) -> None:
    """PostgreSQL's message names the line of the query, whichever driver receives the error."""
    with connection.session() as session, pytest.raises(StatementFailed) as raised:
        session.read("SELECT 1 AS id,\n  nope\nFROM pg_class")
    assert str(raised.value) == 'column "nope" does not exist\nLINE 2:   nope\n          ^'


def test_errors_of_the_bulk_driver() -> None:
    """Only the database's own message is taken from an ADBC error."""
    text = "IO: [libpq] Failed: PGRES_FATAL_ERROR ERROR:  no room\nCONTEXT:  COPY t, line 1\n. SQLSTATE: 53100"
    assert database_text(text) == "no room\nCONTEXT:  COPY t, line 1"
    assert database_text("INTERNAL: could not connect") == "INTERNAL: could not connect"


# -- replacing relations


def test_views_keep_working(connection: PostgresConnection) -> None:
    """Views on a table, and views on those views, survive its replacement, also with other columns; so do grants."""
    make(connection, "dds.orders", "SELECT 1 AS id, 2 AS price")
    with connection.session() as session:
        session.execute(
            "CREATE VIEW public.cheap AS SELECT id FROM dds.orders; CREATE VIEW public.cheaper AS SELECT * FROM cheap;"
            "CREATE MATERIALIZED VIEW public.kept AS SELECT id FROM cheaper; CREATE INDEX kept_id ON kept (id);"
            "GRANT SELECT ON cheaper, dds.orders TO PUBLIC"
        )
        before = session.scalar("SELECT 'public.cheap'::regclass::oid::bigint")
    make(connection, "dds.orders", "SELECT 7 AS id, 2 AS price")
    with connection.session() as session:
        assert session.scalar("SELECT 'public.cheap'::regclass::oid::bigint") == before  # not even made again
    make(connection, "dds.orders", "SELECT 'x' AS name, 8 AS id")
    assert everything(connection, "SELECT * FROM cheaper UNION ALL SELECT * FROM kept") == [(8,), (8,)]
    granted = (
        "SELECT relname FROM pg_class WHERE relacl::text LIKE '%=r/%' AND relname IN ('cheaper', 'orders') ORDER BY 1"
    )
    assert everything(connection, granted) == [("cheaper",), ("orders",)]
    assert everything(connection, "SELECT indexname FROM pg_indexes WHERE tablename = 'kept'") == [("kept_id",)]


def test_view_that_no_longer_fits(connection: PostgresConnection) -> None:
    """A column that a foreign view reads cannot be dropped; the view of an asset later in the run may be lost."""
    make(connection, "dds.orders", "SELECT 1 AS id, 2 AS price")
    make(connection, "mart.cheap", "SELECT price FROM dds.orders", "view")
    with pytest.raises(StatementFailed) as raised:
        make(connection, "dds.orders", "SELECT 1 AS id")
    assert str(raised.value) == (
        "view mart.cheap reads dds.orders and does not fit its new columns; change or drop the view: "
        'column "price" does not exist\nLINE 1: CREATE VIEW mart.cheap AS  SELECT price\n'
        "                                          ^"
    )
    assert everything(connection, "SELECT * FROM mart.cheap") == [(2,)]
    make(connection, "dds.orders", "SELECT 1 AS id", remade=frozenset({"mart.cheap"}))
    assert everything(connection, "SELECT * FROM dds.orders") == [(1,)]
    assert list(connection.relations()) == ["dds.orders"]


def test_reader_with_an_old_snapshot(connection: PostgresConnection) -> None:
    """A transaction that started before a replacement still sees the old rows after it, each once."""
    make(connection, "dds.orders", "SELECT 1 AS id")
    with connection.session() as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert reader.scalar("SELECT 1") == 1
        make(connection, "dds.orders", "SELECT 2 AS id")
        assert reader.scalar("SELECT max(id) FROM dds.orders") == 1


def test_replacement_waits_for_no_reader(connection: PostgresConnection) -> None:
    """A reader in the middle of a table does not block the replacement of its rows."""
    make(connection, "dds.orders", "SELECT 1 AS id")
    with connection.session() as reader:
        reader.execute("BEGIN; SELECT * FROM dds.orders")
        started = time.monotonic()
        make(connection, "dds.orders", "SELECT 2 AS id")
        assert time.monotonic() - started < 5


def test_rows_of_others_are_not_deleted(connection: PostgresConnection) -> None:
    """A foreign key that would delete rows elsewhere prevents the replacement, and the error says so."""
    make(connection, "dds.orders", "SELECT 1 AS id")
    with connection.session() as session:
        session.execute(
            "ALTER TABLE dds.orders ADD UNIQUE (id);"
            "CREATE TABLE notes (id INT CONSTRAINT of_order REFERENCES dds.orders (id) ON DELETE CASCADE);"
            "INSERT INTO notes VALUES (1)"
        )
    with pytest.raises(StatementFailed) as raised:
        make(connection, "dds.orders", "SELECT 2 AS id")
    assert str(raised.value) == (
        'foreign key "of_order" of notes refers to dds.orders: replacing the rows of dds.orders would change those of '
        "notes; make the key ON DELETE NO ACTION DEFERRABLE, or drop it"
    )
    assert everything(connection, "SELECT * FROM notes") == [(1,)]


def test_two_processes_make_the_same(postgres: Parameters) -> None:
    """Two dagscope processes that create the same schema and table at once both succeed."""
    code = (
        "import json, os, sys; from pathlib import Path; "
        "from dagscope.dag.model.assets import Asset; from dagscope.dag.connections import ENGINES;"
        "from dagscope.dag.model.file_shapes import Materialization as M;"
        "engine = ENGINES['postgres']; config = engine.Config(**json.loads(os.environ['PG']));"
        "connection = engine.from_config('pg', config, Path());\n"
        "for n in range(8):\n"
        "    with connection.session() as s:\n"
        "        s.create_schema(f's{n}')\n"
        "        s.materialize(Asset(f's{n}.t', 'x', 'pg', 'pg', M.TABLE, None), 'SELECT 1 AS id', None)\n"
        "connection.close()"
    )
    environment = os.environ | {"PG": json.dumps(postgres)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE) for _ in range(2)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [(b"", 0), (b"", 0)]


def test_long_names_are_refused(connection: PostgresConnection) -> None:
    """A name of more than 63 bytes, which PostgreSQL would truncate silently, is refused."""
    name = "c" * 64
    with connection.session() as session, pytest.raises(DagscopeError) as raised:
        session.write("t", pa.table({name: [1]}).to_reader())
    assert str(raised.value) == (
        f'column "{name}" of type int64 cannot be kept in PostgreSQL: its name has more than 63 bytes; '
        "give it a shorter one with AS"
    )


# -- a server that goes away


@pytest.mark.postgres
def test_server_that_dies() -> None:
    """A statement, a read and a write in progress fail and say what happened; all work when the server is back."""
    with PostgresServer() as server:
        connection = PostgresConnection.from_config("pg", PostgresConfig.model_validate(server.parameters), Path())
        uses = {
            "execute": lambda session: session.execute("SELECT pg_sleep(20)"),
            "read": lambda session: session.read("SELECT pg_sleep(20)::text").read_all(),
        }
        for use in uses.values():
            with connection.session() as session:
                threading.Timer(0.5, server.kill).start()
                with pytest.raises(ConnectionFailed) as raised:
                    use(session)
            assert str(raised.value).startswith(
                f'connection "pg": lost the server at 127.0.0.1:{server.port} while a statement was running ('
            )
            with pytest.raises(ConnectionFailed) as gone, connection.session():
                pass
            assert str(gone.value) == (
                f'connection "pg": no server is listening at 127.0.0.1:{server.port}; '
                "start it, or correct host and port"
            )
            server.start()
            with connection.session() as session:
                assert isinstance(session, PostgresSession)
                assert session.scalar("SELECT 1") == 1
        connection.close()


def test_incremental_names_with_case(connection: PostgresConnection) -> None:
    """Names that differ in case are two names, and a table may have both."""
    for sql in ('SELECT 1 AS "Id", 2 AS id', 'SELECT 4 AS id, 3 AS "Id"'):
        make(connection, "s.orders", sql, "incremental")
    with connection.session() as session:
        assert rows(session, "SELECT * FROM s.orders") == [(1, 2), (3, 4)]
    with pytest.raises(ColumnsDiffer, match='only the query has "ID" and only the table has "Id"'):
        make(connection, "s.orders", 'SELECT 4 AS id, 3 AS "ID"', "incremental")


@pytest.mark.parametrize("table", ["n" * 64, f'"{"é" * 32}"', f"public.{'n' * 64}"])
def test_table_whose_name_would_be_cut(connection: PostgresConnection, table: str) -> None:
    """Rows are not written under a name that PostgreSQL would truncate, possibly to another table's name."""
    name = table.removeprefix("public.").strip('"')
    with connection.session() as session, pytest.raises(StatementFailed) as raised:
        session.write(table, pa.table({"id": [1]}).to_reader())
    assert (
        str(raised.value)
        == f'the name "{name}" has 64 bytes, and PostgreSQL truncates names after 63; give it a shorter one'
    )
    assert connection.relations() == {}
