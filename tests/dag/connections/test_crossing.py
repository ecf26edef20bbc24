"""Moving data between databases with is_data_framed and persist_inputs: runs over DuckDB, PostgreSQL and Python."""

import threading
import time
from pathlib import Path

import pytest

from benchmarks.crossdb import MEMORY_GOAL_MB, SOURCE, cross, open_both
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.project import Project
from examples.crossdb.postgres_server import PostgresServer
from tests.dag.run.task_run import MakeProject, RunProject
from tests.projects import TWO_DATABASES, block, copy_example, model, on_engine, raw

FRAMED = "is_data_framed: true"
READER = "persist_inputs: true\nis_data_framed: true"


def crossing(connection: str, sql: str) -> dict[str, str]:
    """An asset `a.source` on one connection, read by `b.reader` on the other."""
    other = {"duck": "shop", "shop": "duck"}[connection]
    return {
        model("a.source"): block(f"connection: {connection}\n{FRAMED}") + sql,
        model("b.reader"): block(f"connection: {other}\n{READER}") + 'SELECT * FROM {{ Ref("a.source") }}',
    }


@pytest.mark.parametrize(
    ("sql", "type_"),
    [
        ("SELECT 18446744073709551615::UBIGINT AS c", "numeric(20,0)"),
        ("SELECT 170141183460469231731687303715884105727::HUGEINT AS c", "numeric(39,0)"),
        ("SELECT 340282366920938463463374607431768211455::UHUGEINT AS c", "numeric(39,0)"),
        ("SELECT 1.10::DECIMAL(38, 10) AS c", "numeric(38,10)"),
        ("SELECT 12345678901234567890123456789012345678901234567890::BIGNUM AS c", "numeric"),
        ("SELECT 'ab'::BLOB AS c", "bytea"),
        ("SELECT '00000000-0000-0000-0000-000000000001'::UUID AS c", "uuid"),
        ("SELECT '{\"a\": 1}'::JSON AS c", "json"),
        ("SELECT 'sad'::ENUM('sad', 'ok') AS c", "text"),
        ("SELECT TIME '10:00:00' AS c", "time without time zone"),
        ("SELECT '10:00:00+02'::TIMETZ AS c", "time with time zone"),
        ("SELECT TIMESTAMP_NS '2020-01-01 00:00:00.123456' AS c", "timestamp without time zone"),
        ("SELECT '2020-01-01 00:00:00+00'::TIMESTAMPTZ AS c", "timestamp with time zone"),
        ("SELECT INTERVAL 1 MONTH AS c", "interval"),
        ("SELECT [1, NULL, 2]::SMALLINT[] AS c", "smallint[]"),
        ("SELECT ['00000000-0000-0000-0000-000000000001'::UUID] AS c", "uuid[]"),
        ("SELECT '101'::BIT AS c", "bit varying"),
        ("SELECT NULL AS c", "text"),
    ],
)
def test_types_of_duckdb_in_postgres(
    make_project: MakeProject, run_project: RunProject, postgres: dict[str, str], sql: str, type_: str
) -> None:
    """Each DuckDB type becomes the one that docs/connections.md names."""
    run = run_project(make_project({"config.yaml": TWO_DATABASES.format(**postgres), **crossing("duck", sql)}))
    assert run.outcomes == {"a.source": ("SUCCESS", ""), "b.reader": ("SUCCESS", "")}
    types = (
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = 'b.reader'::regclass AND attname = 'c'"
    )
    assert run.rows(types, "shop") == [(type_,)]


@pytest.mark.parametrize(
    ("sql", "type_"),
    [
        ("SELECT 1::numeric(10,2) AS c", "DECIMAL(10,2)"),
        ("SELECT gen_random_uuid() AS c", "UUID"),
        ("SELECT '{}'::jsonb AS c", "JSON"),
        ("SELECT '\\x00'::bytea AS c", "BLOB"),
        ("SELECT 'x'::char(4) AS c", "VARCHAR"),
        ("SELECT time '10:00' AS c", "TIME"),
        ("SELECT timetz '10:00+02' AS c", "TIME WITH TIME ZONE"),
        ("SELECT interval '1 month' AS c", "INTERVAL"),
        ("SELECT now() AS c", "TIMESTAMP WITH TIME ZONE"),
        ("SELECT ARRAY[1.5::numeric(3,1)] AS c", "DECIMAL(3,1)[]"),
        ("SELECT ARRAY['{}'::json] AS c", "JSON[]"),
        ("SELECT B'101' AS c", "BIT"),
        ("SELECT 7::oid AS c", "BIGINT"),
    ],
)
def test_types_of_postgres_in_duckdb(
    make_project: MakeProject, run_project: RunProject, postgres: dict[str, str], sql: str, type_: str
) -> None:
    """Each PostgreSQL type becomes the one that docs/connections.md names."""
    run = run_project(make_project({"config.yaml": TWO_DATABASES.format(**postgres), **crossing("shop", sql)}))
    assert run.outcomes == {"a.source": ("SUCCESS", ""), "b.reader": ("SUCCESS", "")}
    assert run.rows("SELECT typeof(c) FROM b.reader") == [(type_,)]


@pytest.mark.parametrize(
    ("connection", "sql", "message"),
    [
        (
            "shop",
            "SELECT sum(n) AS total FROM generate_series(1, 3::bigint) n",
            (
                'column "total" of type numeric without precision cannot be kept in DuckDB: it has no fixed precision; '
                "cast it, for example total::numeric(38, 10)"
            ),
        ),
        (
            "shop",
            "SELECT 1::numeric(50,2) AS c",
            (
                'column "c" of type numeric(50,2) cannot be kept in DuckDB: DuckDB\'s DECIMAL has at most 38 digits; '
                "cast it to fewer"
            ),
        ),
        (
            "shop",
            "SELECT 'NaN'::numeric(10,2) AS c",
            (
                'column "c" of type numeric(10,2) cannot be kept in Arrow: a decimal cannot be NaN; cast it to double '
                "precision or make it null"
            ),
        ),
        (
            "shop",
            "SELECT '10.0.0.1'::inet AS c",
            'column "c" of type inet cannot be kept in DuckDB: DuckDB has no such type; cast it, for example c::text',
        ),
        (
            "shop",
            "SELECT ARRAY[[1,2],[3,4]] AS c",
            (
                'column "c" of type integer[] cannot be kept in Arrow: it holds an array of 2 dimensions; '
                "cast it, for example to_jsonb(c)"
            ),
        ),
        (
            "shop",
            "SELECT interval 'infinity' AS c",
            (
                'column "c" of type interval cannot be kept in Arrow: it is infinite or longer than Arrow\'s 292 years '
                "of nanoseconds; cast it to text"
            ),
        ),
        (
            "duck",
            "SELECT {'a': 1} AS c",
            (
                'column "c" of type struct<a: int32> cannot be kept in PostgreSQL: PostgreSQL has no such type; '
                'turn it into JSON, for example to_json("c")'
            ),
        ),
        (
            "duck",
            "SELECT MAP {'a': 1} AS c",
            (
                'column "c" of type map<string, int32> cannot be kept in PostgreSQL: PostgreSQL has no such type; '
                'turn it into JSON, for example to_json("c")'
            ),
        ),
        (
            "duck",
            "SELECT [[1]] AS c",
            (
                'column "c" of type list<l: list<l: int32>> cannot be kept in PostgreSQL: PostgreSQL has no such type; '
                'turn it into JSON, for example to_json("c")'
            ),
        ),
        (
            "duck",
            "SELECT TIMESTAMP_NS '2020-01-01 00:00:00.123456789' AS c",
            (
                'column "c" of type timestamp[ns] cannot be kept in PostgreSQL: Casting from timestamp[ns] to '
                "timestamp[us] would lose data: 1577836800123456789"
            ),
        ),
        (
            "duck",
            "SELECT DATE '5000-01-01 (BC)' AS c",
            'column "c" of type date32[day] cannot be kept in PostgreSQL: date out of range in type date',
        ),
        (
            "duck",
            "SELECT 'a' || chr(0) AS c",
            (
                'column "c" of type string cannot be kept in PostgreSQL: invalid byte sequence for encoding "UTF8": '
                "0x00 in type text"
            ),
        ),
        (
            "duck",
            "SELECT [TIMESTAMP 'infinity'] AS c",
            (
                'column "c" of type list<l: timestamp[us]> cannot be kept in PostgreSQL: it holds an infinite time '
                "inside a list"
            ),
        ),
    ],
)
def test_what_cannot_be_kept(
    make_project: MakeProject,
    run_project: RunProject,
    postgres: dict[str, str],
    connection: str,
    sql: str,
    message: str,
) -> None:
    """A column without an exact counterpart on the other side is an error that names it, its type and what to do."""
    run = run_project(make_project({"config.yaml": TWO_DATABASES.format(**postgres), **crossing(connection, sql)}))
    failed = [message for state, message in run.outcomes.values() if state == "FAILED"]
    assert failed == [message]


def test_python_between(make_project: MakeProject, run_project: RunProject, postgres: dict[str, str]) -> None:
    """Rows pass through Python from one database to the other with their types; Python may also write tables."""
    code = (
        "def execute(context):\n"
        "    rows = context.input['a.source']\n"
        "    context.connection('shop').write('public.copied', rows)\n"
        "    return rows\n"
    )
    sql = "SELECT 1::HUGEINT AS h, '00000000-0000-0000-0000-000000000001'::UUID AS u, 1.10::DECIMAL(4, 2) AS d"
    files = {
        "config.yaml": TWO_DATABASES.format(**postgres),
        "profile.yaml": (
            "name: small\nconnection: duck\nmodels: {stages: [{name: b, models: [{name: between, "
            "raw_upstreams: [a.source], is_data_framed: true}]}]}"
        ),
        model("a.source"): block(FRAMED) + sql,
        raw("b.between"): code,
        model("c.reader"): block(f"connection: shop\n{READER}") + 'SELECT * FROM {{ Ref("b.between") }}',
    }
    run = run_project(make_project(files))
    assert run.outcomes == {"a.source": ("SUCCESS", ""), "b.between": ("SUCCESS", ""), "c.reader": ("SUCCESS", "")}
    for table in ("public.copied", "c.reader"):
        types = f"SELECT pg_typeof(h)::text AS h, pg_typeof(u)::text AS u, d::text AS d FROM {table}"
        assert run.rows(types, "shop") == [("numeric", "uuid", "1.10")]


def test_python_writes_into_its_stage(
    make_project: MakeProject, run_project: RunProject, postgres: dict[str, str]
) -> None:
    """In PostgreSQL too, a raw asset's table in a stage needs no schema that exists before."""
    code = (
        "import pyarrow as pa\n"
        "def execute(context):\n"
        "    return context.connection('db').write('b.made', pa.table({'id': [1, 2]}))\n"
    )
    run = run_project(make_project({**on_engine("postgres", postgres), raw("b.maker"): code}))
    assert run.outcomes == {"b.maker": ("SUCCESS", "")}
    assert run.rows("SELECT count(*) FROM b.made", "db") == [(2,)]


def test_view_on_handed_over_rows(make_project: MakeProject, run_project: RunProject, postgres: dict[str, str]) -> None:
    """A view on rows from the other database keeps working when they are transferred again with changes."""
    for sql, rows in (("SELECT 1 AS id", [(1,)]), ("SELECT 2 AS id", [(2,)]), ("SELECT 'x' AS n, 3 AS id", [("x", 3)])):
        files = crossing("duck", sql)
        files[model("b.reader")] = files[model("b.reader")].replace(READER, READER + "\nmaterialization: view")
        run = run_project(make_project({"config.yaml": TWO_DATABASES.format(**postgres), **files}))
        assert run.outcomes == {"a.source": ("SUCCESS", ""), "b.reader": ("SUCCESS", "")}
        assert run.rows("SELECT * FROM b.reader", "shop") == rows


def test_many_rows_there_and_back(postgres_server: PostgresServer, tmp_path: Path) -> None:
    """200,000 rows come back from PostgreSQL unchanged, and memory stays bounded."""
    (tmp_path / "frames").mkdir()
    duck, postgres = open_both(postgres_server, tmp_path)
    with duck.session() as session:
        session.execute(SOURCE.format(rows=200_000))
    crossed = cross(duck, postgres, FrameFiles(tmp_path / "frames"))
    duck.close()
    postgres.close()
    assert crossed.is_equal
    assert crossed.memory_mb < MEMORY_GOAL_MB


_LAKE = """\
  - name: lake
    type: spark
    config: {{host: {host}, port: {port}, token: {token}}}
"""
EVERYWHERE = """\
SELECT range AS id, range * 1.10::DECIMAL(18, 2) AS amount, 'it''s ' || range AS text, range % 2 = 0 AS even,
  CASE WHEN range % 3 > 0 THEN DATE '2020-01-01' + range::INTEGER END AS day,
  TIMESTAMP '2020-01-01 10:00:00.123456' + to_seconds(range) AS local, '\\x00\\xFF'::BLOB AS bytes,
  TIMESTAMPTZ '2020-01-01 00:00:00+00' AS moment, [range, NULL] AS items, range / 7 AS share
FROM range(1000)
"""


def test_rows_of_all_databases(
    make_project: MakeProject, run_project: RunProject, postgres: dict[str, str], spark: dict[str, str]
) -> None:
    """Rows that go from DuckDB to Spark, PostgreSQL, Spark again and back to DuckDB are what they were."""
    way = {"a.duck": "duck", "b.lake": "lake", "c.shop": "shop", "d.lake": "lake", "e.duck": "duck"}
    files = {"config.yaml": TWO_DATABASES.format(**postgres) + _LAKE.format(**spark)}
    before = EVERYWHERE
    for name, connection in way.items():
        files[model(name)] = block(f"connection: {connection}\n{READER}") + before
        before = f'SELECT * FROM {{{{ Ref("{name}") }}}}'
    run = run_project(make_project(files))
    assert run.outcomes == dict.fromkeys(way, ("SUCCESS", ""))
    assert run.rows("SELECT count(*) FROM (SELECT * FROM a.duck EXCEPT ALL SELECT * FROM e.duck)") == [(0,)]
    assert run.rows("SELECT count(*) FROM e.duck") == [(1000,)]


# -- the example, and a server that dies during its run


@pytest.fixture
def example(tmp_path: Path, postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of examples/crossdb with an empty PostgreSQL database."""
    for key, value in postgres.items():
        monkeypatch.setenv(f"DAGSCOPE_PG_{key.upper()}", value)
    return load_project(copy_example("crossdb", tmp_path))


def test_example(example: Project, run_project: RunProject) -> None:
    """The example runs twice, and its revenue is the same in both databases."""
    for _ in range(2):
        run = run_project(example)
        assert set(run.outcomes.values()) == {("SUCCESS", "")}
        revenue = "SELECT sum(revenue)::text FROM {}"
        assert run.rows(revenue.format("dds.customer_revenue"), "lake") == run.rows(
            revenue.format("mart.customer_value"), "shop"
        )
    assert len(run.rows("SELECT * FROM mart.best_customers", "shop")) >= 10
    for connection in example.connections.values():
        connection.close()


@pytest.mark.postgres
def test_server_killed_in_the_middle(make_project: MakeProject, run_project: RunProject) -> None:
    """If PostgreSQL dies during a task, its nodes fail and say why, the others are right, and the next run succeeds."""
    with PostgresServer() as server:
        slow = "SELECT n AS id, pg_sleep({})::text FROM generate_series(1, 3) AS n"
        files = {
            model("a.fine"): block(FRAMED) + "SELECT 1 AS id",
            model("a.slow"): block("connection: shop")
            + slow.format("CASE WHEN {{ param('wait', 0) }} THEN 10 ELSE 0 END"),
            model("b.after"): block("connection: shop") + 'SELECT * FROM {{ Ref("a.slow") }}',
            model("b.free"): 'SELECT * FROM {{ Ref("a.fine") }}',
            model("c.late"): block("connection: shop\npersist_inputs: true") + 'SELECT * FROM {{ Ref("a.fine") }}',
        }
        files = {path: text.replace("param('wait', 0)", "param('wait', false)") for path, text in files.items()}
        project = make_project({"config.yaml": TWO_DATABASES.format(**server.parameters), **files})
        assert set(run_project(project).outcomes.values()) == {("SUCCESS", "")}

        killer = threading.Timer(1.0, server.kill)
        killer.start()
        run = run_project(project, data={"wait": True})
        killer.join()
        place = f"127.0.0.1:{server.port}"
        lost = f'connection "shop": lost the server at {place} while a statement was running ('
        assert run.state("a.slow") == "FAILED"
        assert run.message("a.slow").startswith(lost)
        assert run.message("b.after") == "skipped: upstream a.slow failed"
        assert run.outcomes["a.fine"] == run.outcomes["b.free"] == ("SUCCESS", "")
        assert run.rows("SELECT * FROM b.free") == [(1,)]

        gone = run_project(project)
        refused = f'connection "shop": no server is listening at {place}; start it, or correct host and port'
        assert gone.outcomes["a.slow"] == gone.outcomes["c.late"] == ("FAILED", refused)

        server.start()
        started = time.monotonic()
        assert set(run_project(project).outcomes.values()) == {("SUCCESS", "")}
        assert time.monotonic() - started < 10


def test_password_is_nowhere(make_project: MakeProject, run_project: RunProject, postgres: dict[str, str]) -> None:
    """No failure of a run reveals the password."""
    secret = postgres["password"]
    leaks = {
        model("a.literal"): block("connection: shop") + f"SELECT '{secret}'::int AS id",
        model("a.link"): block("connection: shop") + f"SELECT * FROM nowhere('host=x user=y password={secret}')",
        raw(
            "a.raises"
        ): "def execute(context):\n    raise ValueError(repr(context.connection('shop')._session.__dict__))\n".replace(
            "context.connection('shop')._session.__dict__", f"'{secret}'"
        ),
    }
    run = run_project(make_project({"config.yaml": TWO_DATABASES.format(**postgres), **leaks}))
    assert {state for state, _ in run.outcomes.values()} == {"FAILED"}
    assert secret not in "".join(event.payload() for event in run.events)
    with pytest.raises(DagscopeError) as raised, run.project.connections["shop"].session() as session:
        session.execute("SELECT nope")
    assert secret not in repr(raised.value.__dict__)
