"""`dagscope ledger`: which failing rows are new, fixed and there still, with and without a server."""

import json
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, Serve
from tests.projects import block, model, write_project

FILES = {
    model("s.orders"): block("tests: [{name: bad}]")
    + "SELECT unnest(string_split({{ param('ids', '0') }}, ',')::INTEGER[]) AS id, nullif('[red]x', '') AS note",
    data_test("s.bad"): 'SELECT * FROM {{ Ref("s.orders") }} WHERE id > 0',
    data_test("root.never"): 'SELECT * FROM {{ Ref("s.orders") }} WHERE id < 0',
}

LEDGER = """\
s.bad: 3 rows in two; since one: 1 new, 1 fixed, 2 still
rows are compared by all their values
task    rows  new  fixed  still
two        3    1      1      2
broken                           not run
one        3    3      0      0

       since  id  note
New    two    4   [red]x
Fixed  one    1   [red]x
Still  one    2   [red]x
Still  one    3   [red]x
"""


def without_padding(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A project with three tasks."""
    door = AppDoor(write_project(tmp_path, FILES))
    for task_id, ids in (("one", "1,2,3"), ("broken", "nope"), ("two", "2,3,4")):
        door.run(task_id, data={"ids": ids})
    door.stop()
    return tmp_path


def test_without_a_server(orders: Path) -> None:
    """The ledger is read from the project's state, and a cell cannot style the text."""
    said = dagscope_here("ledger", "s.bad", "--project", str(orders))
    assert said.stderr == ""
    assert without_padding(said.stdout) == LEDGER
    assert said.exit_code == 0


def test_with_a_server(orders: Path, serve: Serve) -> None:
    """A project that is being served is asked through its server: the answer is the same."""
    server = serve(orders)
    said = dagscope_here("ledger", "s.bad", "--json", "--project", str(orders))
    assert json.loads(said.stdout) == server.get("/api/tests/ledger/s.bad").json()
    said = dagscope_here("ledger", "s.bad", "--task-id", "no such", "--project", str(orders))
    assert (said.exit_code, said.stderr) == (
        2,
        "Task not found: no task has this id; GET /api/dag/tasks lists all tasks\n",
    )


def test_what_there_is_no_ledger_of(orders: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An unknown test, one that never failed, and a project that never ran are said in a line."""
    said = dagscope_here("ledger", "s.bat", "--project", str(orders))
    assert (said.exit_code, said.stderr) == (
        2,
        'Test not found in DAG: there is no data test "s.bat"; did you mean "s.bad"?\n',
    )
    said = dagscope_here("ledger", "root.never", "--limit", "1", "--project", str(orders))
    assert said.stdout.splitlines()[0] == "root.never: no task has counted rows"
    fresh = write_project(tmp_path_factory.mktemp("fresh"), FILES)
    said = dagscope_here("ledger", "s.bad", "--project", str(fresh))
    assert (said.exit_code, said.stderr) == (2, f"{fresh} has no state; nothing was ever run there\n")
