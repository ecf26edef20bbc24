"""The steps of a query: the rows of each, and where rows vanish or multiply."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import model, raw, write_project

FILES = {
    model("a.orders"): "SELECT * FROM (VALUES (1, 'x'), (1, 'y'), (2, '<b>z</b>')) AS o(id, name)",
    model("a.twice"): 'WITH own AS (SELECT id FROM {{ Ref("a.orders") }} WHERE id = 1)\n'
    'SELECT own.id, o.name\nFROM own\nJOIN {{ Ref("a.orders") }} AS o ON o.id = own.id',
    raw("a.code"): "def execute(context):\n    return 1\n",
    data_test("a.none"): 'SELECT *\nFROM {{ Ref("a.orders") }}\nWHERE id > 2',
}


@pytest.fixture
def server(tmp_path: Path, serve: Serve) -> ServerDoor:
    server = serve(write_project(tmp_path, FILES))
    server.run("monday")
    return server


def test_where_rows_multiply(server: ServerDoor, visit: Visit) -> None:
    """Each step has its rows; one where rows multiply is named and opens to its rows, which the URL keeps."""
    page = visit(server).open("/assets/a.twice")
    page.get_by_role("tab", name="Steps").click()
    steps = page.get_by_role("list", name="Steps of a.twice")
    expect(steps.get_by_role("button")).to_have_text(
        [
            "1FROM a.orders3line 1",
            "2WHERE id = 12line 1",
            "3SELECT id2line 1",
            "4FROM own2line 3",
            "5JOIN a.orders AS o ON o.id = own.idRows multiply4line 4",
            "6SELECT own.id, o.name4line 2",
        ]
    )
    expect(page.get_by_text("Look at step 5.")).to_be_visible()
    steps.get_by_role("button").nth(4).click()
    expect(page).to_have_url(re.compile(r"step=5"))
    expect(page.get_by_text("Rows multiply: 2 rows and 3 rows went in, 4 rows come out.")).to_be_visible()
    expect(page.get_by_role("table", name="First rows of step 5").get_by_role("row")).to_have_count(5)
    expect(page.get_by_role("region", name="SQL of step 5")).to_contain_text("JOIN a.orders AS o")


def test_rows_are_text(server: ServerDoor, visit: Visit) -> None:
    """Values are shown as text, not as HTML, and Python has no steps."""
    page = visit(server).open("/assets/a.orders?tab=steps&step=2")
    expect(page.get_by_role("table", name="First rows of step 2")).to_contain_text("<b>z</b>")
    page.goto("/assets/a.code?tab=steps")
    expect(page.get_by_text("It is Python, which has no steps.")).to_be_visible()


def test_the_steps_of_a_data_test(server: ServerDoor, visit: Visit) -> None:
    """A test's steps are beside its SQL; that none of its rows are left is nothing to look at."""
    page = visit(server).open("/tests?test=a.none")
    page.get_by_role("button", name="Steps").click()
    steps = page.get_by_role("list", name="Steps of a.none").get_by_role("button")
    expect(steps).to_have_text(["1FROM a.orders3line 2", "2WHERE id > 20line 3", "3SELECT *0line 1"])
    expect(page.get_by_text("No step multiplies rows.")).to_be_visible()
