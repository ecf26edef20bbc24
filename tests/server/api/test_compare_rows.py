"""`GET /api/compare/rows`: the rows of an asset that differ between two tasks."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_project

KEYED, WHOLE, FEW, VIEW = "mart.keyed", "mart.whole", "mart.few", "mart.view"
SQL = (
    "SELECT range AS id, CASE WHEN range % 4 = 0 THEN CAST({{ param('name') }} AS VARCHAR) END AS name, "
    "(range * {{ param('times', 1) }})::DECIMAL(9, 2) AS amount FROM range({{ param('first', 0) }}, 8)"
)
FILES = {
    model(KEYED): block("primary_key_fields: [ID]") + SQL,
    model(
        WHOLE
    ): "SELECT unnest(CAST({{ param('values', '[1, 1, 2]') }} AS INTEGER[])) AS value, {{ param('more', 1) }} AS more",
    model(FEW): block("capture: rows 3") + "SELECT range AS id FROM range(5)",
    model(VIEW): block("materialization: view") + "SELECT 1 AS id",
}


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    """The door after two tasks with other data."""
    door = opened(write_project(tmp_path, FILES))
    door.run("monday", data={"name": None})
    door.run("tuesday", data={"name": "", "first": 1, "times": 2, "values": "[1, 3, 3]", "more": "x"})
    return door


def rows(door: AppDoor, query: str) -> Any:
    answer = door.get(f"/api/compare/rows?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_by_key(door: AppDoor) -> None:
    """With a primary key, a row that has the same one in both tasks is changed, and its cells are named."""
    found = rows(door, f"asset={KEYED}")
    assert (found["from"]["taskId"], found["to"]["taskId"], found["leftOut"]) == ("monday", "tuesday", [])
    assert found["difference"] == {"added": 0, "removed": 1, "changed": 7, "key": ["ID"]}
    assert [(column["name"], column["type"], "key" in column) for column in found["columns"]] == [
        ("id", "BIGINT", True),
        ("name", "VARCHAR", False),
        ("amount", "DECIMAL(9,2)", False),
    ]
    assert found["rows"][0] == {"change": "removed", "from": ["0", None, "0.00"], "cells": []}
    assert found["rows"][1] == {
        "change": "changed",
        "from": ["1", None, "1.00"],
        "to": ["1", None, "2.00"],
        "cells": [2],
    }
    assert found["rows"][4] == {
        "change": "changed",
        "from": ["4", None, "4.00"],
        "to": ["4", "", "8.00"],
        "cells": [1, 2],
    }


def test_as_a_multiset(door: AppDoor) -> None:
    """Without a key, rows are compared as a whole, repetitions included; columns of another type are left out."""
    found = rows(door, f"asset={WHOLE}")
    assert found["leftOut"] == ["more"]
    assert found["difference"] == {"added": 2, "removed": 2}
    assert found["rows"] == [
        {"change": "removed", "from": [1], "cells": []},
        {"change": "removed", "from": [2], "cells": []},
        {"change": "added", "to": [3], "cells": [], "times": 2},
    ]


def test_pages(door: AppDoor) -> None:
    """Pages have the same rows as the whole list, in the order of their key; one kind of change can be asked for."""
    whole = rows(door, f"asset={KEYED}")
    pages = [rows(door, f"asset={KEYED}&offset={offset}&limit=3") for offset in (0, 3, 6, 9)]
    assert [row for page in pages for row in page["rows"]] == whole["rows"]
    assert {page["matchingRecords"] for page in pages} == {8}
    removed = rows(door, f"asset={KEYED}&change=removed")
    assert (removed["matchingRecords"], [row["from"][0] for row in removed["rows"]]) == (1, ["0"])
    assert Counter(row["change"] for row in whole["rows"]) == {"changed": 7, "removed": 1}


def test_the_other_way(door: AppDoor) -> None:
    """What was removed from one task to another was added from the other one to it."""
    found = rows(door, f"asset={KEYED}&from=tuesday&to=monday")
    assert found["difference"] == {"added": 1, "removed": 0, "changed": 7, "key": ["ID"]}
    assert found["rows"][1]["from"] == ["1", None, "2.00"]
    assert rows(door, f"asset={KEYED}&from=monday&to=monday")["rows"] == []


@pytest.mark.parametrize(
    ("asset", "reason"),
    [
        (FEW, "{task} kept 3 of its 5 rows; `capture: all` keeps all rows"),
        (VIEW, "{task} kept none of its rows; `capture: all` keeps all rows"),
        ("mart.gone", "{task} did not execute mart.gone"),
    ],
)
def test_rows_that_were_not_kept(door: AppDoor, asset: str, reason: str) -> None:
    """An asset whose rows were not all kept is 404, and the answer says how to keep them."""
    answer = door.get(f"/api/compare/rows?asset={asset}")
    details = "; ".join(reason.format(task=task) for task in ("monday", "tuesday"))
    error = {"error": f"the rows of {asset} cannot be compared", "details": details}
    assert (answer.status_code, answer.json()) == (404, error)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "missing parameter 'asset'; name the asset whose rows to compare"),
        ("asset=mart.keyed&change=new", "'change' must be changed, removed or added, found 'new'"),
        ("asset=mart.keyed&limit=5000", "'limit' must be a whole number from 1 to 1000, found '5000'"),
    ],
)
def test_bad_requests(door: AppDoor, query: str, error: str) -> None:
    """What is wrong with a request is said, with what would be right."""
    answer = door.get(f"/api/compare/rows?{query}")
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {error}"})
