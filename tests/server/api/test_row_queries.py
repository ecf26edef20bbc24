"""Sorting, filtering, summarizing and downloading rows, kept and in the database (docs/http-api/assets.md)."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, raw, write_project

FLIGHTS = """\
SELECT id, carrier, delay, CAST(amount AS DECIMAL(20, 2)) AS amount, CAST(day AS DATE) AS day,
  CAST(moment AS TIMESTAMP WITH TIME ZONE) AS at,
  late, big
FROM (VALUES
  (1, 'UA', 12.5, 100.10, '2013-01-01', '2013-01-01T10:00:00Z', true, 9007199254740993),
  (2, 'AA', NULL, -3.05, '2013-01-02', '2013-01-01T11:30:00Z', false, 9007199254740992),
  (3, 'ua', 12.5, NULL, '2013-02-01', '2013-01-01T09:00:00Z', true, -1),
  (4, '', -7, 100.11, NULL, NULL, NULL, NULL),
  (5, NULL, 3, 0, '2013-01-01', '2013-06-01T00:00:00Z', false, 0),
  (6, 'a,"b\\', 100, 1, '2014-01-01', '2013-06-01T00:00:00Z', false, 7)
) AS f(id, carrier, delay, amount, day, moment, late, big)
"""
KINDS = ["table", "view", "framed", "failing"]


@pytest.fixture
def door(tmp_path: Path, both_engines: dict[str, str], opened: OpenDoor) -> AppDoor:
    """A run of the same rows as a table, a view, a captured frame and the rows of a failed test."""
    files = {
        model("s.table"): block("primary_key_fields: [id]\ntests: [{name: failing}]") + FLIGHTS,
        model("s.view"): block("materialization: view") + FLIGHTS,
        model("s.framed"): block("is_data_framed: true") + FLIGHTS,
        data_test("s.failing"): block("mask: [late]") + 'SELECT * FROM {{ Ref("s.table") }} ORDER BY id',
        raw("s.word"): "def execute(context):\n    return {'a': [1, None]}\n",
    }
    door = opened(write_project(tmp_path, {**both_engines, **files}), post_wait_ms=60_000)
    door.run("t")
    return door


def address(kind: str) -> str:
    return "/api/tests/data/s.failing" if kind == "failing" else f"/api/dag/asset/s.{kind}/data"


def rows(door: AppDoor, kind: str, **query: Any) -> Any:
    answer = door.get(address(kind), params={"format": "arrays", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(door: AppDoor, kind: str, *filters: str, **query: Any) -> list[int]:
    return [row[0] for row in rows(door, kind, filter=list(filters), **query)["rows"]]


def test_rows_as_arrays(door: AppDoor) -> None:
    """Columns have SQL's types, decimals and large integers all their digits, and NULL is null."""
    found = rows(door, "table", limit=2, sort="id")
    types = {column["name"]: column["type"] for column in found["columns"]}
    assert types["id"] == "INTEGER"
    assert (types["carrier"], types["amount"], types["day"]) == ("VARCHAR", "DECIMAL(20,2)", "DATE")
    assert (types["at"], types["late"], types["big"]) == ("TIMESTAMPTZ", "BOOLEAN", "BIGINT")
    assert found["columns"][0] == {"name": "id", "type": "INTEGER", "key": True}
    assert found["rows"][0][3:] == ["100.10", "2013-01-01", "2013-01-01T10:00:00Z", True, "9007199254740993"]
    assert found["rows"][1][2] is None
    assert [found[key] for key in ("totalRecords", "matchingRecords", "offset", "limit", "taskId", "attempt")] == [
        6, 6, 0, 2, "t", 1,
    ]  # fmt: skip
    assert isinstance(found["madeTime"], int)
    failing = rows(door, "failing")
    assert (failing["testName"], failing["taskId"], failing["rowCount"]) == ("s.failing", "t", 6)
    assert {row[6] for row in failing["rows"]} == {"***", None}


CONDITIONS = {
    "carrier:eq:UA": [1],
    "carrier:ne:UA": [2, 3, 4, 5, 6],
    "carrier:eq:": [4],
    "carrier:isnull": [5],
    "carrier:notnull": [1, 2, 3, 4, 6],
    'carrier:in:AA,"a,""b\\"': [2, 6],
    "carrier:contains:a": [3, 6],
    "carrier:startswith:U": [1],
    "carrier:contains:\\": [6],
    "carrier:gt:UA": [3, 6],
    "carrier:eq:' OR 1=1 --": [],
    "delay:eq:12.50": [1, 3],
    "delay:gt:3.0001": [1, 3, 6],
    "delay:le:3": [4, 5],
    "id:gt:2.5": [3, 4, 5, 6],
    "id:le:2.5": [1, 2],
    "id:eq:2.5": [],
    "id:lt:99999999999999999999999999": [1, 2, 3, 4, 5, 6],
    "id:ge:1e400": [],
    "id:in:1,2.5,6": [1, 6],
    "amount:ge:100.105": [4],
    "amount:lt:100.11": [1, 2, 5, 6],
    "big:eq:9007199254740993": [1],
    "big:lt:9007199254740993": [2, 3, 5, 6],
    "day:ge:2013-01-02": [2, 3, 6],
    "at:gt:2013-01-01T12:00:00+02:00": [2, 5, 6],
    "at:eq:2013-01-01 10:00": [1],
}


def test_filters(door: AppDoor) -> None:
    """Each operator compares the values that the database holds, exactly, wherever the rows are."""
    for kind in KINDS:
        found = {text: sorted(ids(door, kind, text)) for text in CONDITIONS}
        assert found == CONDITIONS
        assert sorted(ids(door, kind, "carrier:notnull", "delay:gt:0", "id:lt:6")) == [1, 3]
        if kind != "failing":  # where the column is masked
            assert sorted(ids(door, kind, "late:eq:true")) == [1, 3]


def test_sorting(door: AppDoor) -> None:
    """NULL comes last in both directions, text goes by code points, and equal rows keep their order."""
    for kind in KINDS:
        assert ids(door, kind, sort="delay,id") == [4, 5, 1, 3, 6, 2]
        assert ids(door, kind, sort="-delay,-id") == [6, 3, 1, 5, 4, 2]
        assert ids(door, kind, sort="carrier") == [4, 2, 1, 6, 3, 5]
        assert ids(door, kind, sort="-amount") == [4, 1, 6, 5, 2, 3]
        assert ids(door, kind, sort="-day,id", limit=2, offset=1) == [3, 2]
        if kind != "view":
            assert ids(door, kind, sort="-delay") == [6, 1, 3, 5, 4, 2]


REFUSALS = {
    "filter=delay": 'filter "delay": write column:operator:value, for example id:eq:12',
    "filter=dely:eq:1": 'filter "dely:eq:1": there is no column "dely"; did you mean "delay"?',
    "filter=id:is:1": (
        'filter "id:is:1": there is no operator "is"; known: eq, ne, lt, le, gt, ge, contains, startswith, '
        "isnull, notnull, in"
    ),
    "filter=id:eq": 'filter "id:eq": eq needs a value; write id:eq:12',
    "filter=id:isnull:1": 'filter "id:isnull:1": isnull has no value; write id:isnull',
    "filter=id:gt:1_0": (
        'filter "id:gt:1_0": column "id" of type INTEGER needs a number, found "1_0"; write for example id:gt:12'
    ),
    "filter=id:contains:1": (
        'filter "id:contains:1": column "id" of type INTEGER is not text, which contains needs; use '
        "eq, ne, lt, le, gt, ge or in"
    ),
    "filter=day:lt:1.1.2013": (
        'filter "day:lt:1.1.2013": column "day" of type DATE needs a date, found "1.1.2013"; write '
        "for example day:lt:2013-01-31"
    ),
    "filter=late:eq:maybe": (
        'filter "late:eq:maybe": column "late" of type BOOLEAN needs true or false, found "maybe"; '
        "write for example late:eq:true"
    ),
    'filter=carrier:in:"a': (
        'filter "carrier:in:"a": put a value that contains a comma or a quote in double quotes: unexpected end of data'
    ),
    "sort=-dely": 'sort "-dely": there is no column "dely"; did you mean "delay"?',
    "format=rows": "'format' must be objects or arrays, found 'rows'",
}


def test_refusals(door: AppDoor) -> None:
    """A filter or a sort that does not fit the columns is a 400 that says what would."""
    for kind in ("table", "framed"):
        for query, message in REFUSALS.items():
            answer = door.get(f"{address(kind)}?{query}")
            assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {message}"})


def test_objects_can_be_filtered(door: AppDoor) -> None:
    """Without `format`, rows are objects, and the answer says how many the filter leaves."""
    for kind in ("table", "framed"):
        answer = door.get(f"{address(kind)}?filter=id:le:2&sort=-id").json()
        assert ([row["id"] for row in answer["data"]], answer["rowCount"], answer["matchingRecords"]) == ([2, 1], 6, 2)


def test_summary(door: AppDoor) -> None:
    """Each column has its NULLs, distinct values, bounds and mean, and a histogram or its commonest values."""
    for kind in KINDS:
        summary = door.get(f"{address(kind)}/summary").json()
        columns = {column["name"]: column for column in summary["columns"]}
        assert summary["totalRecords"] == 6
        number = columns["amount"]
        assert [number[key] for key in ("nulls", "distinct", "least", "most")] == [1, 5, "-3.05", "100.11"]
        assert number["mean"] == pytest.approx(39.632)
        assert [bin_["count"] for bin_ in number["histogram"]] == [3, *[0] * 13, 2]
        assert (number["histogram"][0]["from"], number["histogram"][-1]["to"]) == (-3.05, 100.11)
        assert columns["id"]["histogram"] == [{"from": n, "to": n + 1, "count": 1} for n in range(1, 7)]
        text = columns["carrier"]
        assert (text["nulls"], text["distinct"], text["least"], text["most"]) == (1, 5, "", "ua")
        assert {"value": "UA", "count": 1} in text["commonest"]
        assert columns["day"]["commonest" if "commonest" in columns["day"] else "histogram"][0]["from"] == "2013-01-01"
        assert columns["at"]["most"] == "2013-06-01T00:00:00Z"
        if kind != "failing":
            assert columns["late"]["commonest"] == [{"value": False, "count": 3}, {"value": True, "count": 2}]
        few = door.get(f"{address(kind)}/summary?filter=id:gt:6").json()
        assert (few["totalRecords"], few["columns"][0]["nulls"], "least" in few["columns"][0]) == (0, 0, False)


def test_downloads(door: AppDoor) -> None:
    """A file has exactly the rows that the filter shows, in their order, with the exact values and safe to save."""
    for kind in KINDS:
        answers = {
            as_: door.get(f"{address(kind)}/download?as={as_}&filter=id:ge:4&sort=-id")
            for as_ in ("jsonl", "csv", "parquet", "arrow")
        }
        name = "s.failing" if kind == "failing" else f"s.{kind}"
        for as_, answer in answers.items():
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.{as_}"'
        lines = [json.loads(line) for line in answers["jsonl"].text.splitlines()]
        assert [(line["id"], line["carrier"]) for line in lines] == [(6, 'a,"b\\'), (5, None), (4, "")]
        records = list(csv.reader(io.StringIO(answers["csv"].text)))
        assert [record[:2] for record in records] == [["id", "carrier"], ["6", 'a,"b\\'], ["5", ""], ["4", ""]]
        assert "\r\n5,,3" in answers["csv"].text
        assert '\r\n4,"",-7' in answers["csv"].text
        for table in (
            pq.read_table(io.BytesIO(answers["parquet"].content)),
            pa.ipc.open_file(answers["arrow"].content).read_all(),
        ):
            assert table.column("id").to_pylist() == [6, 5, 4]
            assert [Decimal(value) for value in table.column("amount").to_pylist()] == [1, 0, Decimal("100.11")]


def test_values_have_no_rows(door: AppDoor) -> None:
    """A raw asset's value is the answer's `data` in every format, and has neither summary nor download."""
    value = door.get(f"{address('word')}?format=arrays").json()
    assert (value["dataType"], value["data"], value["taskId"], "rows" in value) == ("map", {"a": [1, None]}, "t", False)
    for path in ("summary", "download?as=csv"):
        refused = door.get(f"{address('word')}/{path}")
        assert (refused.status_code, refused.json()["error"]) == (400, '"s.word" has no rows')
    assert door.get(f"{address('table')}/download").json()["error"].endswith("choose jsonl, csv, parquet or arrow")
