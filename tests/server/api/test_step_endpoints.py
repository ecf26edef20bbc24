"""`POST .../steps`: the CTEs, subqueries and clauses of a query, and how many rows each of them has."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, copy_example, model, on_engine, raw, write_project

PAID = """\
WITH paid AS (
    SELECT id, customer
    FROM {{ Ref("s.orders") }}
    WHERE is_paid
),
{# only those that were sent #}
sent AS (SELECT DISTINCT order_id FROM {{ Ref("s.parcels") }} AS parcels)
SELECT paid.customer, count(*) AS parcels
FROM paid
JOIN {{ Ref("s.parcels") }} AS parcels ON parcels.order_id = paid.id
WHERE EXISTS (SELECT 1 FROM sent WHERE sent.order_id = paid.id)
GROUP BY paid.customer
HAVING count(*) > 5
"""
FILES = {
    model(
        "s.orders"
    ): "SELECT * FROM (VALUES (1, 'a', TRUE), (2, 'b', TRUE), (3, 'a', FALSE)) AS o(id, customer, is_paid)",
    model("s.parcels"): "SELECT * FROM (VALUES (1), (1), (1), (2), (3)) AS p(order_id)",
    model("s.paid"): block("materialization: view") + PAID,
    model("s.custom"): block("materialization: custom") + "CREATE TABLE {{ this() }} AS SELECT 7 AS id",
    model("s.moved"): "{% for n in [1, 2] %}SELECT {{ n }} AS n FROM\n{{ Ref('s.orders') }}\n"
    "{% if not loop.last %}UNION ALL\n{% endif %}{% endfor %}",
    model(
        "s.broken"
    ): 'SELECT 1 AS n FROM {{ Ref("s.orders") }} AS o LEFT JOIN {{ Ref("s.parcels") }} AS p\n ON ON 1 = 1',
    raw("s.raw"): "def execute(context):\n    return {}\n",
    data_test("s.none"): 'SELECT * FROM {{ Ref("s.orders") }} WHERE id < 0',
    data_test("s.masked"): block("mask: [customer]") + 'SELECT * FROM {{ Ref("s.orders") }}',
    data_test("s.refused"): 'SELECT id FROM {{ Ref("s.orders") }} WHERE nothing = 1',
}


@pytest.fixture
def door(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """The project on each engine, after a run: one model and two tests of it fail."""
    door = opened(write_project(tmp_path, {**both_engines, **FILES}))
    door.run("t")
    return door


def steps(door: AppDoor, node: str, **body: object) -> Any:
    return door.post(f"/api/dag/asset/{node}/steps", body)


def refused(door: AppDoor, path: str, body: object = None) -> tuple[int, str, str | None]:
    answer = door.post(path, body)
    return answer.status_code, answer.json()["error"], answer.json().get("details")


def test_the_steps_of_a_model(door: AppDoor) -> None:
    """CTEs, subqueries and clauses come in the order in which they take effect, with their places in the file."""
    answer = steps(door, "s.paid").json()
    assert [(each["query"], each["title"], each["line"], each["column"]) for each in answer["steps"]] == [
        ("paid", "FROM s.orders", 6, 5),
        ("paid", "WHERE is_paid", 7, 5),
        ("paid", "SELECT id, customer", 5, 5),
        ("sent", "FROM s.parcels AS parcels", 10, 35),
        ("sent", "SELECT DISTINCT order_id", 10, 10),
        ("result", "FROM paid", 12, 1),
        ("result", "JOIN s.parcels AS parcels ON parcels.order_id = paid.id", 13, 1),
        ("subquery 1", "SELECT 1 FROM sent WHERE sent.order_id = paid.id", 14, 15),
        ("result", "WHERE EXISTS (SELECT 1 FROM sent WHERE sent.order_id = paid.id)", 14, 1),
        ("result", "GROUP BY paid.customer", 15, 1),
        ("result", "HAVING count(*) > 5", 16, 1),
        ("result", "SELECT paid.customer, count(*) AS parcels", 11, 1),
    ]
    assert not any("rowCount" in each for each in answer["steps"])
    assert (answer["name"], answer["path"], answer["connectionName"]) == ("s.paid", "assets/models/s/paid.sql", "db")
    assert answer["sql"].startswith("WITH paid AS (\n    SELECT id, customer\n    FROM s.orders\n")


def test_where_rows_multiply_and_vanish(door: AppDoor) -> None:
    """With `count`, each step has the rows that come out, and a sentence where they multiply or none is left."""
    found = steps(door, "s.paid", count=True).json()["steps"]
    assert [each.get("rowCount") for each in found] == [3, 2, 2, 5, 3, 2, 4, None, 4, 2, 0, 0]
    assert found[7]["whyNotRun"] == "it reads paid.id of the query around it, so it cannot run alone"
    assert [(each["mark"], each["sentence"]) for each in found if "mark" in each] == [
        ("empty", "Nothing is left: 2 rows went in, no row comes out."),
    ]
    assert found[6]["inputs"] == [
        {"name": "FROM", "step": "6", "rowCount": 2},
        {"name": "s.parcels", "rowCount": 5},
    ]
    moved = steps(door, "s.moved", count=True).json()["steps"]
    assert (moved[-1]["kind"], moved[-1]["rowCount"], "mark" in moved[-1]) == ("set", 6, False)


def test_multiplied_rows(tmp_path: Path, opened: OpenDoor) -> None:
    """A join that returns more rows than its larger side is marked."""
    many = "SELECT 1 AS n UNION ALL SELECT 1 UNION ALL SELECT 1"
    sql = f"SELECT a.n FROM (SELECT 1 AS n UNION ALL SELECT 1) AS a JOIN ({many}) AS b USING (n)"
    door = opened(write_project(tmp_path, {model("s.m"): sql}))
    found = steps(door, "s.m", count=True).json()["steps"]
    marked = [(each["kind"], each["mark"], each["sentence"]) for each in found if "mark" in each]
    assert marked == [("join", "multiplied", "Rows multiply: 2 rows and 3 rows went in, 6 rows come out.")]


def test_steps_of_spark(tmp_path: Path, opened: OpenDoor) -> None:
    """Spark's SQL is taken apart without asking Spark; its names may be in either kind of quotes."""
    sql = """SELECT `x y`.id FROM range(3) AS "x y" LEFT ANTI JOIN s.b USING (id) WHERE id <=> 'it''s \\'x\\' "y'"""
    config = {"host": "localhost", "port": "1", "token": "none"}
    door = opened(write_project(tmp_path, {**on_engine("spark", config), model("s.a"): sql}))
    assert [each["title"] for each in steps(door, "s.a").json()["steps"]] == [
        'FROM range(3) AS "x y"',
        "LEFT ANTI JOIN s.b USING (id)",
        "WHERE id <=> 'it''s \\'x\\' \"y'",
        "SELECT `x y`.id",
    ]


def test_one_step(door: AppDoor) -> None:
    """A step can be run alone: its rows in pages, its columns and their types, and the SQL that was sent."""
    answer = steps(door, "s.paid", step="2", offset=1, limit=1).json()
    assert (answer["steps"][0]["id"], answer["steps"][0]["rowCount"], answer["rows"]) == ("2", 2, [[2, "b", True]])
    assert [column["name"] for column in answer["columns"]] == ["id", "customer", "is_paid"]
    assert answer["stepSql"] == "SELECT *\nFROM s.orders\nWHERE is_paid"
    both = steps(door, "s.paid", step="7", limit=1).json()
    assert [column["name"] for column in both["columns"]] == ["id", "customer", "order_id"]
    assert refused(door, "/api/dag/asset/s.paid/steps", {"step": "8"}) == (
        400,
        "Step 8 cannot run alone",
        "it reads paid.id of the query around it, so it cannot run alone",
    )
    assert refused(door, "/api/dag/asset/s.paid/steps", {"step": "13"}) == (
        404,
        '"s.paid" has no such step',
        'there is no step "13"; its steps are 1 to 12',
    )


def test_the_steps_of_a_data_test(door: AppDoor) -> None:
    """A data test is taken apart in the same way; a step that the database refuses to count says why."""
    found = door.post("/api/tests/s.none/steps", {"count": True}).json()["steps"]
    assert [(each["kind"], each["rowCount"]) for each in found] == [("from", 3), ("where", 0), ("select", 0)]
    failing = door.post("/api/tests/s.refused/steps", {"count": True}).json()["steps"]
    assert [each.get("rowCount") for each in failing] == [3, None, None]
    assert all("nothing" in each["error"] for each in failing[1:])
    one = door.post("/api/tests/s.refused/steps", {"step": "2"})
    assert (one.status_code, "rows" in one.json(), "nothing" in one.json()["steps"][0]["error"]) == (200, False, True)


def test_the_steps_of_a_masked_test(door: AppDoor) -> None:
    """The rows of a test that masks columns are counted and never shown."""
    assert door.post("/api/tests/s.masked/steps", {"count": True}).json()["steps"][0]["rowCount"] == 3
    assert refused(door, "/api/tests/s.masked/steps", {"step": "1"}) == (
        400,
        "The rows of its steps are not shown",
        '"s.masked" masks columns; count the steps instead',
    )


def test_what_has_no_steps(door: AppDoor) -> None:
    """Python and custom statements have no query, and SQL that cannot be parsed is refused with its place."""
    for asset, error, details in (
        ("s.raw", '"s.raw" has no query to take apart', "it is a raw asset, written in Python"),
        (
            "s.custom",
            '"s.custom" has no query to take apart',
            "it is a custom asset, whose statements run unchanged and may write",
        ),
        (
            "s.broken",
            'The query of "s.broken" cannot be taken apart',
            'assets/models/s/broken.sql:2:5: "ON" is unexpected',
        ),
    ):
        assert refused(door, f"/api/dag/asset/{asset}/steps") == (400, error, details)
    assert refused(door, "/api/dag/asset/s.nope/steps")[:2] == (404, "Asset not found in DAG")
    assert refused(door, "/api/tests/s.nope/steps")[:2] == (404, "Test not found in DAG")
    body = {"count": "yes"}
    error = "Invalid request format: field 'count' must be true or false"
    assert refused(door, "/api/dag/asset/s.paid/steps", body) == (400, error, None)


HOSTILE = {
    "nested": ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "it is nested too deeply from here on"),
    "calls": ("SELECT " + "abs(" * 5000 + "1" + ")" * 5000, "it is nested too deeply from here on"),
    "joins": ("SELECT * FROM a" + " JOIN b" * 40, 'from "JOIN" on, it takes too long to read'),
    "long": (
        "SELECT " + "n, " * 350_000 + "n",
        "it has 1,050,008 characters; queries of at most 250,000 are taken apart",
    ),
    "many": (" UNION ALL ".join(["SELECT 1 AS n"] * 1000), "it has more than 300 steps"),
    "open": ("SELECT 'open", "a literal, a name or a comment is not closed"),
    "nothing": ("SELECT 1 AS n FROM a WHERE", 'something is missing after "WHERE"'),
    "deletes": ("WITH gone AS (DELETE FROM a RETURNING n) SELECT n FROM gone", 'the CTE "gone" is not a query'),
    "values": ("VALUES (1)", "it is not a query with SELECT or FROM"),
}


def test_hostile_sql(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> None:
    """SQL that is nested too deeply, too long or not a query is refused with the reason, and not by hanging."""
    files = {model(f"s.{name}"): sql for name, (sql, _) in HOSTILE.items()}
    door = opened(write_project(tmp_path, {**both_engines, **files}))
    for name, (_, reason) in HOSTILE.items():
        code, error, details = refused(door, f"/api/dag/asset/s.{name}/steps")
        assert (code, error) == (400, f'The query of "s.{name}" cannot be taken apart')
        assert details is not None
        assert details.startswith(f"assets/models/s/{name}.sql")
        assert details.endswith(f": {reason}")


def test_every_step_of_the_example(tmp_path: Path, opened: OpenDoor) -> None:
    """In all of nycflights each step has a place in its file, and the last one has the model's rows."""
    door = opened(copy_example("nycflights", tmp_path))
    door.run("t")
    for node in door.get("/api/dag").json()["nodes"]:
        if node["materialization"] in ("raw", "custom"):
            continue
        found = steps(door, node["name"], count=True).json()["steps"]
        assert all("line" in each and "rowCount" in each for each in found if "whyNotRun" not in each)
        if node["materialization"] != "incremental":  # whose query selects what is new
            preview = door.post(f"/api/dag/asset/{node['name']}/preview", {"limit": 0}).json()
            assert found[-1]["rowCount"] == preview["rowCount"]
    for test in door.get("/api/tests").json()["tests"]:
        assert door.post(f"/api/tests/{test['name']}/steps", {"count": True}).json()["steps"][-1]["rowCount"] == 0


def _query(draw: random.Random, depth: int = 0) -> str:
    """A random query with the columns `k` and `n`."""
    kind = draw.choice(["select", "select", "group", "union", "cte", "distinct"]) if depth < 3 else "select"
    if kind == "union":
        operation = draw.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
        first, second = _query(draw, depth + 1), _query(draw, depth + 1)
        return f"(SELECT * FROM ({first}) AS u)\n{operation}\nSELECT * FROM ({second}) AS v"
    if kind == "cte":
        inner, outer = (
            _query(draw, depth + 1),
            draw.choice(["SELECT * FROM c{0}", "SELECT c{0}.k, d.n FROM c{0} JOIN c{0} AS d ON d.k = c{0}.k"]),
        )
        return f"WITH c{depth} AS (\n{inner}\n) -- a comment\n{outer.format(depth)}"
    sources = list(_sources(draw, depth))
    where = draw.choice(["", "", "\nWHERE r0.n > 2", '\nWHERE r0.k IN (SELECT k FROM {{ Ref("s.b") }} WHERE n < 4)'])
    tables = f"FROM {sources[0]}" + "".join(
        f"\n{draw.choice(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} {source} ON r{number}.k = r0.k"
        for number, source in enumerate(sources[1:], 1)
    )
    if kind == "group":
        having = draw.choice(["", "\nHAVING count(*) > 1"])
        return f"SELECT r0.k, count(*) AS n\n{tables}{where}\nGROUP BY r0.k{having}"
    limit = draw.choice(["", "", "\nORDER BY 1, 2\nLIMIT 3", "\nORDER BY 1, 2 LIMIT 4 OFFSET 1"])
    head = "SELECT DISTINCT" if kind == "distinct" else "SELECT"
    return f"{head} r0.k, r{len(sources) - 1}.n\n{tables}{where}{limit}"


def _sources(draw: random.Random, depth: int) -> Iterator[str]:
    for number in range(draw.randint(1, 3)):
        if depth < 3 and draw.random() < 0.3:
            yield f"({_query(draw, depth + 1)}) AS r{number}"
        else:
            yield draw.choice(['{{ Ref("s.a") }}', '{{ Ref("s.b") }}']) + f" AS r{number}"


@pytest.mark.parametrize("seed", range(3))
def test_the_last_step_has_the_rows_of_the_model(
    seed: int, tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor
) -> None:
    """For random queries, no step is refused, and the last one has as many rows as the model that was created."""
    draw = random.Random(seed)
    table = "SELECT * FROM (VALUES {}) AS t(k, n)"
    files = {
        model(f"s.{name}"): table.format(", ".join(f"({draw.randint(1, 4)}, {n})" for n in range(6))) for name in "ab"
    }
    files |= {model(f"m.q{number}"): _query(draw) for number in range(25)}
    door = opened(write_project(tmp_path, {**both_engines, **files}))
    assert door.run("t").status_code == 200
    for number in range(25):
        found = steps(door, f"m.q{number}", count=True)
        assert found.status_code == 200, found.text
        answer = found.json()
        assert [each for each in answer["steps"] if "rowCount" not in each] == [], answer["sql"]
        preview = door.post(f"/api/dag/asset/m.q{number}/preview", {"limit": 0}).json()
        assert answer["steps"][-1]["rowCount"] == preview["rowCount"], answer["sql"]
