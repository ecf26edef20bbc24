"""`GET /api/dag/asset/{name}/sql` and `GET /api/tests/{name}/sql`: code as lines of highlighted tokens."""

from pathlib import Path
from typing import Any

import pytest

from dagscope.server.api.code_lines import LONGEST_CODE
from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, raw, write_project

SUMS = """\
SELECT 1.5 AS x, 'it''s {{ ENV("NIX", "n") }}' -- {{ Ref("a.b") }}
FROM {{ Ref "a.b" }} AS b
{% if IsIncremental %}WHERE b.year > 7{% endif %}"""
COMPILED = "CREATE OR REPLACE TABLE a.sums AS SELECT 1.5 AS x, 'it''s n' -- a.b"
PYTHON = "def execute(context):\n    return None   \n"


@pytest.fixture
def door(tmp_path: Path, opened: OpenDoor) -> AppDoor:
    files = {
        model("a.b"): "SELECT 1 AS year",
        model("a.sums"): block("tests: [{name: few}]") + SUMS,
        raw("a.code"): PYTHON,
        data_test("a.few"): block("description: Few") + '\nSELECT * FROM {{ Ref("a.sums") }}',
        model("a.long"): f"SELECT 1 AS n -- {'x' * LONGEST_CODE}\n",
    }
    return opened(write_project(tmp_path, files))


def sql_of(door: AppDoor, asset: str) -> dict[str, Any]:
    answer = door.get(f"/api/dag/asset/{asset}/sql")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def text_of(lines: list[list[list[str]]]) -> str:
    return "\n".join("".join(token[1] for token in line) for line in lines)


def test_the_sql_of_an_asset(door: AppDoor) -> None:
    """Keywords, strings, numbers, comments and references are marked, also in and around a template's tags."""
    found = sql_of(door, "a.sums")
    assert (found["path"], found["firstLine"]) == ("assets/models/a/sums.sql", 4)
    first, second, third = found["select"]
    reference = [["", "{{ Ref("], ["r", '"a.b"', "a.b"], ["", ") }}"]]
    number = [["k", "SELECT"], ["", " "], ["m", "1.5"], ["", " "], ["k", "AS"], ["", " x, "]]
    string = [["s", "'it''s "], ["", "{{ ENV("], ["s", '"NIX"'], ["", ", "], ["s", '"n"'], ["", ") }}"], ["s", "'"]]
    assert first == [*number, *string, ["", " "], ["c", "-- "], *reference]
    assert second[1:4] == [["", " {{ Ref "], ["r", '"a.b"', "a.b"], ["", " }} "]]
    assert third[:4] == [["", "{% "], ["k", "if"], ["", " IsIncremental %}"], ["k", "WHERE"]]
    assert third[4] == ["", " b.year > "]  # a column that is named like a keyword
    assert text_of(found["select"]) == SUMS


def test_the_compiled_sql_of_an_asset(door: AppDoor) -> None:
    """It is what `GET /api/dag` shows; the relations of the asset and its upstreams are references."""
    found = sql_of(door, "a.sums")["compiled"]
    nodes = {node["name"]: node for node in door.get("/api/dag").json()["nodes"]}
    assert text_of(found) == nodes["a.sums"]["sqlCompiledQuery"]
    assert text_of(found[:1]) == COMPILED
    references = [token for line in found for token in line if token[0] == "r"]
    assert references == [["r", "a.sums", "a.sums"], ["r", "a.b", "a.b"]]


def test_the_code_of_a_raw_asset(door: AppDoor) -> None:
    """The file's Python is shown, as it is now and without the space at the ends of lines."""
    found = sql_of(door, "a.code")
    definition = [["k", "def"], ["", " execute(context):"]]
    body = [["", "    "], ["k", "return"], ["", " "], ["k", "None"]]
    assert found["select"] == [definition, body, []]
    assert (found["path"], found["firstLine"], found["compiled"]) == ("assets/models/a/code.py", 1, [])
    (door.folder / found["path"]).unlink()
    answer = door.get("/api/dag/asset/a.code/sql")
    error = {"error": "assets/models/a/code.py cannot be read", "details": "No such file or directory"}
    assert (answer.status_code, answer.json()) == (500, error)


def test_the_sql_of_a_data_test(door: AppDoor) -> None:
    """It is there as it is written, from its line in the file, and as it runs."""
    found = door.get("/api/tests/a.few/sql").json()
    select = [["k", "SELECT"], ["", " * "], ["k", "FROM"], ["", " "]]
    assert found == {
        "path": "assets/tests/a/few.sql",
        "firstLine": 5,
        "select": [[*select[:3], ["", " {{ Ref("], ["r", '"a.sums"', "a.sums"], ["", ") }}"]]],
        "sql": [[*select, ["r", "a.sums", "a.sums"]]],
    }


def test_long_code_is_plain(door: AppDoor) -> None:
    """Code that is longer than what is highlighted is whole, in lines of one class."""
    [line] = sql_of(door, "a.long")["select"]
    assert line == [["", f"SELECT 1 AS n -- {'x' * LONGEST_CODE}"]]


def test_unknown_names(door: AppDoor) -> None:
    """An unknown asset or data test is 404, with the closest name."""
    asset = {"error": "Asset not found in DAG", "details": 'there is no asset "a.sum"; did you mean "a.sums"?'}
    test = {"error": "Test not found in DAG", "details": 'there is no data test "a.fews"; did you mean "a.few"?'}
    for path, error in (("/api/dag/asset/a.sum/sql", asset), ("/api/tests/a.fews/sql", test)):
        answer = door.get(path)
        assert (answer.status_code, answer.json()) == (404, error)
