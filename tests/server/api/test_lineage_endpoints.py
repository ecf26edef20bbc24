"""`GET /api/dag/asset/{name}/lineage`: the columns that the columns of an asset come from."""

from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import block, copy_example, model, raw, write_project

SOLD = """\
WITH joined AS (
    SELECT o.*, i.price, o.amount * i.price AS total
    FROM {{ Ref("s.orders") }} AS o
    JOIN {{ Ref("s.items") }} AS i ON i.item = o.item
),
days(on_day, best) AS (SELECT day, max(total) FROM joined GROUP BY day)
SELECT
    on_day,
    best,
    best + 1 AS better,
    row_number() OVER (ORDER BY best) AS place,
    (SELECT min(price) FROM joined AS j WHERE j.day = days.on_day) AS least,
    'x' AS mark
FROM days
UNION ALL
SELECT day, amount, 0, 0, 0, 'y' FROM joined
"""
FILES = {
    model("s.orders"): "SELECT * FROM (VALUES (1, 'a', 2)) AS o(day, item, amount)",
    model("s.items"): "SELECT 'a' AS item, 5 AS price",
    model("s.sold"): SOLD,
    model("s.both"): 'SELECT *, amount AS n FROM {{ Ref("s.orders") }} JOIN {{ Ref("s.items") }} USING (item)',
    model("s.lost"): "SELECT a, b FROM (SELECT 1 AS a) AS x CROSS JOIN elsewhere.t AS t CROSS JOIN elsewhere.u",
    model("s.broken"): "SELECT FROM WHERE",
    raw("s.raw"): "def execute(context):\n    return {}\n",
}

REFUSED = 'The query of "s.broken" cannot be taken apart'


@pytest.fixture
def door(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """The project on each engine, after a run."""
    door = opened(write_project(tmp_path, {**both_engines, **FILES}))
    door.run("t")
    return door


def columns(door: AppDoor, asset: str) -> list[tuple[Any, ...]]:
    """Of each column: its name, how it came about, and from which columns."""
    answer = door.get(f"/api/dag/asset/{asset}/lineage")
    assert answer.status_code == 200, answer.text
    return [
        (each["name"], each["how"], [f"{origin['asset']}.{origin['column']}" for origin in each["from"]])
        for each in answer.json()["columns"]
    ]


def test_where_columns_come_from(door: AppDoor) -> None:
    """Columns are followed through stars, CTEs, joins and a UNION; aggregates, windows and expressions end the way."""
    assert columns(door, "s.sold") == [
        ("on_day", "same", ["s.orders.day"]),
        ("best", "aggregate", ["s.items.price", "s.orders.amount"]),
        ("better", "aggregate", ["s.items.price", "s.orders.amount"]),
        ("place", "aggregate", ["s.items.price", "s.orders.amount"]),
        ("least", "expression", ["s.items.price", "s.orders.day"]),
        ("mark", "constant", []),
    ]
    both = columns(door, "s.both")
    assert [name for name, *_ in both] == door.post("/api/dag/asset/s.both/preview").json()["columns"]
    assert sorted(both) == [
        ("amount", "same", ["s.orders.amount"]),
        ("day", "same", ["s.orders.day"]),
        ("item", "same", ["s.orders.item"]),
        ("n", "same", ["s.orders.amount"]),
        ("price", "same", ["s.items.price"]),
    ]


def test_why_it_ends(door: AppDoor) -> None:
    """A column that is not the same as its origin says why, and one that cannot be followed says that."""
    found = door.get("/api/dag/asset/s.sold/lineage").json()
    why = {each["name"]: each.get("why") for each in found["columns"]}
    assert (why["on_day"], why["best"]) == (None, "it is aggregated: MAX(total)")
    assert why["mark"] == "it reads no column: 'x'"
    lost = door.get("/api/dag/asset/s.lost/lineage").json()["columns"]
    assert lost[1] == {"name": "b", "how": "unknown", "why": "it is not known where b comes from", "from": []}


def test_what_has_no_lineage(door: AppDoor) -> None:
    """Python has no columns to follow, and SQL that cannot be parsed is refused with its place."""
    for asset, code, error in (
        ("s.raw", 400, '"s.raw" has no query to take apart: it is a raw asset, written in Python'),
        (
            "s.broken",
            400,
            f'{REFUSED}: assets/models/s/broken.sql:1:13: it cannot be read at "WHERE"',
        ),
        ("s.los", 404, 'Asset not found in DAG: there is no asset "s.los"; did you mean "s.lost"?'),
    ):
        answer = door.get(f"/api/dag/asset/{asset}/lineage")
        said = answer.json()
        assert (answer.status_code, f"{said['error']}: {said['details']}") == (code, error)


def test_long_ways(tmp_path: Path, opened: OpenDoor) -> None:
    """Columns that are used twice by each of a thousand CTEs, or by each other, are followed once."""
    ctes = ", ".join(f"c{n + 1} AS (SELECT x + x AS x FROM c{n})" for n in range(1000))
    aliases = ", ".join(f"a{n} + a{n} AS a{n + 1}" for n in range(1000))
    files = {
        model("s.a"): "SELECT 1 AS x",
        model("s.ctes"): f'WITH c0 AS (SELECT x FROM {{{{ Ref("s.a") }}}}), {ctes} SELECT x FROM c1000',
        model("s.aliases"): f'SELECT x AS a0, {aliases} FROM {{{{ Ref("s.a") }}}}',
        model("s.never"): block("materialization: view") + 'SELECT 2 * x AS y FROM {{ Ref("s.a") }}',
    }
    door = opened(write_project(tmp_path, files))  # nothing was run, so the columns of s.a are not known
    assert columns(door, "s.ctes") == [("x", "expression", ["s.a.x"])]
    assert columns(door, "s.aliases")[-1] == ("a1000", "expression", ["s.a.x"])
    assert columns(door, "s.never") == [("y", "expression", ["s.a.x"])]


def test_every_column_of_the_example(tmp_path: Path, opened: OpenDoor) -> None:
    """Of each SQL asset of nycflights, the columns are those of its relation, and no way is lost."""
    door = opened(copy_example("nycflights", tmp_path))
    door.run("t")
    for node in door.get("/api/dag").json()["nodes"]:
        if node["materialization"] in ("raw", "custom"):
            continue
        preview = door.post(f"/api/dag/asset/{node['name']}/preview", {"limit": 0}).json()
        found = door.get(f"/api/dag/asset/{node['name']}/lineage").json()["columns"]
        assert [each["name"] for each in found] == preview["columns"]
        assert "unknown" not in {each["how"] for each in found}


def test_way_of_a_column(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> None:
    """A column is followed to its first origins and its last uses, past assets that cannot be followed."""
    files = {
        model("s.a"): "SELECT 1 AS x, 2 AS y",
        model("s.b"): 'SELECT x AS v, y FROM {{ Ref("s.a") }}',
        model("s.c"): 'SELECT v + 1 AS w, y FROM {{ Ref("s.b") }}',
        model("s.d"): 'SELECT max(w) AS best, min(y) AS other FROM {{ Ref("s.c") }}',
        raw("s.r"): "from dagscope import upstream\n\ndef execute(context):\n    return upstream('s.c')\n",
    }
    door = opened(write_project(tmp_path, {**both_engines, **files}))
    door.run("t")
    found = door.get("/api/dag/asset/s.b/lineage/way?column=V").json()
    assert [(each["side"], each["asset"], each["column"], each["how"]) for each in found["columns"]] == [
        ("self", "s.b", "v", "same"),
        ("upstream", "s.a", "x", "constant"),
        ("downstream", "s.c", "w", "expression"),
        ("downstream", "s.d", "best", "aggregate"),
    ]
    assert found["isWhole"]
    for query, code, error in (
        ("", 400, "Invalid request format: missing parameter 'column'; name a column of the asset"),
        ("?column=z", 404, '"s.b" has no such column'),
    ):
        answer = door.get(f"/api/dag/asset/s.b/lineage/way{query}")
        assert (answer.status_code, answer.json()["error"]) == (code, error)


def trace(door: AppDoor, asset: str, row: dict[str, object], **body: object) -> Any:
    return door.post(f"/api/dag/asset/{asset}/trace", {"row": row, **body}).json()


TRACED = {
    model("s.orders"): "SELECT * FROM (VALUES (1, 'a', 2.5), (1, 'b', 1.0), (2, 'a', 4.0)) AS o(id, item, amount)",
    model("s.items"): "SELECT * FROM (VALUES ('a', 'Apple'), ('b', NULL)) AS i(item, name)",
    model("s.sold"): 'SELECT o.id, i.item, i.name, o.amount FROM {{ Ref("s.orders") }} AS o '
    'LEFT JOIN {{ Ref("s.items") }} AS i ON i.item = o.item',
    model("s.totals"): 'SELECT item, sum(amount) AS total FROM {{ Ref("s.sold") }} GROUP BY item',
    model("s.grand"): 'SELECT sum(total) AS grand FROM {{ Ref("s.totals") }}',
    raw("s.raw"): "import dagscope\n",
}


@pytest.fixture
def traced(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """Orders that are joined, aggregated and aggregated again, on each engine."""
    door = opened(write_project(tmp_path, {**both_engines, **TRACED}))
    door.run("t")
    return door


def test_trace_of_a_row(traced: AppDoor) -> None:
    """A row leads to the rows of each upstream with the same values, NULL included, and to those of each downstream."""
    found = trace(traced, "s.sold", {"id": 1, "item": "b", "name": None, "amount": "1.0"})
    assert [(each["asset"], each["sentence"], each["rows"]) for each in found["upstreams"]] == [
        ("s.items", "1 row of s.items has the same item and name.", [["b", None]]),
        ("s.orders", "1 row of s.orders has the same id, item and amount.", [[1, "b", "1.0"]]),
    ]
    downstream = found["downstreams"][0]
    assert (downstream["asset"], downstream["sentence"]) == ("s.totals", "1 row of s.totals has the same item.")
    assert downstream["followed"] == [{"column": "item", "other": "item"}]
    assert downstream["rows"] == [["b", "1.0"]]


def test_trace_of_an_aggregate(traced: AppDoor) -> None:
    """An aggregated row leads to its group; where no column leads on, the answer says why."""
    found = trace(traced, "s.totals", {"item": "a", "total": "6.5"}, limit=1)
    group = found["upstreams"][0]
    assert group["sentence"] == "2 rows of s.sold have the same item; that is the group that was aggregated."
    assert (group["matchingRecords"], len(group["rows"])) == (2, 1)
    assert found["downstreams"][0]["sentence"] == "No column of the row is in s.grand unchanged."
    ended = trace(traced, "s.grand", {"grand": "7.5"})["upstreams"][0]
    assert ended == {
        "asset": "s.totals",
        "sentence": "No column of the row leads to s.totals unchanged (grand: it is aggregated: SUM(total)).",
        "followed": [],
        "notFollowed": [],
    }


def test_what_cannot_be_traced(traced: AppDoor) -> None:
    """An unknown column is refused, and so is a value that does not fit its column."""
    assert trace(traced, "s.totals", {"itm": "a"}) == {
        "error": '"s.totals" has no such row',
        "details": 'it has no column "itm"; its columns are item, total',
    }
    refused = trace(traced, "s.sold", {"id": "x"})
    assert refused["error"] == '"s.sold" has no such row'
    assert 'column "id" of type INTEGER needs a number, found "x"' in refused["details"]
    answer = traced.post("/api/dag/asset/s.sold/trace", {})
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid request format: missing required field 'row'")


def test_trace_through_steps_and_sets(tmp_path: Path, opened: OpenDoor) -> None:
    """The steps of a recursive query are not followed, and in a row of GROUPING SETS, NULL is no value to look for."""
    files = {
        model("s.src"): "SELECT range AS k, range % 2 AS v FROM range(4)",
        model("s.rec"): "WITH RECURSIVE r AS (SELECT k, 0 AS d FROM {{ Ref('s.src') }} UNION ALL "
        "SELECT k + 1, d + 1 FROM r WHERE d < 2) SELECT k, d FROM r",
        model("s.sets"): "SELECT k, v, count(*) AS n FROM {{ Ref('s.src') }} GROUP BY GROUPING SETS ((k), (v))",
    }
    door = opened(write_project(tmp_path, files))
    door.run("t")
    stepped = trace(door, "s.rec", {"k": 5, "d": 2})["upstreams"][0]
    assert stepped["sentence"].startswith("No column of the row leads to s.src unchanged")
    found = trace(door, "s.sets", {"k": 3, "v": None})["upstreams"][0]
    assert (found["sentence"], found["rows"]) == ("1 row of s.src has the same k.", [["3", "1"]])


def test_trace_through_too_many_queries(tmp_path: Path, opened: OpenDoor) -> None:
    """A row is not traced through some of very many queries: the answer says that they are too many."""
    union = " UNION ALL ".join(['SELECT id FROM {{ Ref("s.one") }}'] * 200)
    door = opened(write_project(tmp_path, {model("s.one"): "SELECT 1 AS id", model("s.all"): union}))
    door.run("t")
    sentence = "s.all cannot be followed: it reads relations in more than 200 queries."
    assert trace(door, "s.all", {"id": 1})["upstreams"][0]["sentence"] == sentence
    assert trace(door, "s.one", {"id": 1})["downstreams"][0]["sentence"] == sentence


JOINED = {
    model(
        "s.flights"
    ): "SELECT * FROM (VALUES (1, 'JFK', 'LAX', true), (2, 'LAX', NULL, true), (3, 'JFK', 'LAX', false)) "
    "AS f(id, origin, dest, flew)",
    model("s.airports"): "SELECT * FROM (VALUES ('JFK', 'New York'), ('LAX', 'Los Angeles')) AS a(code, city)",
    model("s.routes"): 'WITH flown AS (SELECT id, origin, dest FROM {{ Ref("s.flights") }} WHERE flew) '
    "SELECT flown.id, a.city AS from_city, b.city AS to_city, flown.dest FROM flown "
    'JOIN {{ Ref("s.airports") }} AS a ON a.code = flown.origin AND length(a.city) > 1 '
    'LEFT JOIN {{ Ref("s.airports") }} AS b ON b.code = flown.dest',
}


@pytest.fixture
def joined(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """Flights that are joined twice with their airports, on each engine."""
    door = opened(write_project(tmp_path, {**both_engines, **JOINED}))
    door.run("t")
    return door


def test_trace_through_joins(joined: AppDoor) -> None:
    """Equalities of joins and constants of WHERE are followed, each place where a relation is read has its own rows."""
    found = trace(joined, "s.routes", {"id": 1})
    assert found["sentence"] == "1 row of s.routes has these values; all its values are followed."
    assert found["row"] == {"id": 1, "from_city": "New York", "to_city": "Los Angeles", "dest": "LAX"}
    assert [(each["sentence"], each.get("readAs"), each["rows"]) for each in found["upstreams"]] == [
        ("1 row of s.airports has the same city.", "a", [["JFK", "New York"]]),
        ("1 row of s.airports has the same city and code.", "b", [["LAX", "Los Angeles"]]),
        ("1 row of s.flights has the same id and dest and flew = true.", None, [[1, "JFK", "LAX", True]]),
    ]
    assert [each["notFollowed"] for each in found["upstreams"]] == [
        ["LENGTH(a.city) > 1", "a.code = flown.origin"],
        [],
        ["a.code = flown.origin"],
    ]


def test_trace_of_a_row_without_a_match(joined: AppDoor) -> None:
    """NULL in an outer join means that no row was joined."""
    found = trace(joined, "s.routes", {"id": 2})
    without = found["upstreams"][1]
    assert (without["sentence"], without["matchingRecords"]) == ("No row of s.airports was joined: dest is NULL.", 0)


def test_trace_of_a_row_that_goes_nowhere(joined: AppDoor) -> None:
    """A row that a downstream's condition leaves out is in none of its rows; the answer names the condition."""
    for row, sentence in (
        ({"id": 1}, "1 row of s.routes has the same id and dest."),
        ({"id": 3}, "s.routes reads no such row of s.flights: it needs flew = true."),
    ):
        assert trace(joined, "s.flights", row)["downstreams"][0]["sentence"] == sentence


def test_trace_of_the_example(tmp_path: Path, opened: OpenDoor) -> None:
    """In nycflights, a day of an airport leads to its flights, and a flight to its plane: no row more or less."""
    door = opened(copy_example("nycflights", tmp_path))
    door.run("t")
    found = trace(door, "dds.airport_day", {"flight_date": "2013-01-01", "origin": "EWR"}, limit=0)
    flights, weather = found["upstreams"]
    day = door.get("/api/dag/asset/dds.fct_flight/data?limit=0&filter=flight_date:eq:2013-01-01&filter=origin:eq:EWR")
    assert flights["matchingRecords"] == day.json()["matchingRecords"] == 305
    assert weather["notFollowed"] == ["weather_date: it is computed: CAST(local_hour AS DATE)"]
