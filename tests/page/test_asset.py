"""An asset's page: why it failed, its code, its statements, and running it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import block, model, raw, write_project

FILES = {
    model("a.first"): block("description: Where it <b>starts</b>\ntests: [{name: none}]") + "SELECT 7 AS n",
    model("a.second"): 'SELECT n\nFROM {{ Ref("a.first") }}',
    model("b.wrong"): block("materialization: table") + "SELECT\n    1 AS n,\n    CAST('x' AS INTEGER) AS m",
    raw("b.code"): "def execute(context):\n    return 1\n",
    data_test("a.none"): 'SELECT CAST(n AS DECIMAL(5, 1)) AS n FROM {{ Ref("a.first") }} CROSS JOIN range(19)',
}


@pytest.fixture
def server(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A server of a project with an asset whose test fails, one behind it, and one whose SQL fails."""
    server = serve(write_project(tmp_path, FILES))
    server.run("monday", profile=True)
    return server


def test_why_it_failed(server: ServerDoor, visit: Visit) -> None:
    """A failed asset shows what its test found, exact values, and whom it blocks. A description is text, not HTML."""
    page = visit(server).open("/assets/a.first")
    asset = page.get_by_role("region", name="a.first", exact=True)
    expect(asset.get_by_text("Test found 19 rows that should not be there")).to_be_visible()
    expect(asset.get_by_role("region", name="First rows that violate a.none")).to_contain_text("7.0")
    expect(asset.get_by_role("link", name="and 16 more rows")).to_be_visible()
    expect(asset.get_by_role("definition").first).to_have_text("a.second")
    expect(asset.get_by_text("Where it <b>starts</b>")).to_be_visible()
    asset.get_by_role("link", name="none").click()
    expect(page).to_have_url(re.compile(r"/tests\?test=a\.none$"))


def test_code_leads_to_what_it_reads(server: ServerDoor, visit: Visit) -> None:
    """References in the code are links, as it is written and as it is sent; Python is shown for a raw asset."""
    page = visit(server).open("/assets/a.second")
    code = page.get_by_role("region", name="Code of a.second")
    expect(code.get_by_role("link", name='"a.first"')).to_be_visible()
    page.get_by_role("button", name="Compiled").click()
    expect(code).to_contain_text("CREATE OR REPLACE TABLE a.second AS SELECT n")
    code.get_by_role("link", name="a.first").click()
    expect(page).to_have_url(re.compile(r"/assets/a\.first"))
    page.goto("/assets/b.code")
    expect(page.get_by_role("region", name="Code of b.code")).to_contain_text("def execute(context):")


def test_the_line_that_was_rejected(server: ServerDoor, visit: Visit) -> None:
    """The line that the database rejected is marked in what was sent, and keeps its indentation."""
    page = visit(server).open("/assets/b.wrong?sql=compiled")
    line = page.get_by_text("The error is in this line: ").locator("..")
    expect(line).to_contain_text("    CAST('x' AS INTEGER) AS m")
    expect(line).to_have_css("white-space", "pre")
    expect(page.get_by_role("region", name="Error")).to_contain_text("Could not convert string 'x' to INT32")
    page.get_by_role("button", name="Select").click()
    expect(line).to_have_text("The error is in this line:     CAST('x' AS INTEGER) AS m")
    page.get_by_role("link", name="Line 3 of the statement that failed").click()
    expect(page.get_by_text("The database rejected it at line 3, column")).to_be_visible()


def test_what_another_task_made(server: ServerDoor, visit: Visit) -> None:
    """Of an asset that the task in view left out, every tab says so, and leads to the task that executed it last."""
    server.run("tuesday", select="b.code")
    page = visit(server).open("/assets/a.first?tab=statements")
    expect(page.get_by_text("As monday sent them; tuesday did not execute it; see that task")).to_be_visible()
    for tab in ("Tests", "History"):
        page.get_by_role("tab", name=tab).click()
        left_out = page.get_by_role("tabpanel").get_by_text("tuesday did not execute it; monday was the last that did")
        expect(left_out).to_be_visible()
    left_out.get_by_role("link", name="monday").click()
    expect(page.get_by_text("Test found 19 rows that should not be there")).to_be_visible()


def test_tabs_and_plans(server: ServerDoor, visit: Visit) -> None:
    """Arrows move between the tabs, which the address names; a profiled statement shows its plan."""
    page = visit(server).open("/assets/a.first")
    page.get_by_role("tab", name="SQL").focus()
    for name in ("Steps", "Columns", "Data", "Tests", "Statements"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page).to_have_url(re.compile(f"tab={name.lower()}$"))
    page.get_by_role("button", name=re.compile("CREATE OR REPLACE TABLE")).click()
    expect(page.get_by_role("region", name="Plan")).to_contain_text("CREATE TABLE AS")


def test_the_plan_beside_the_last_fast_one(tmp_path: Path, serve: Serve, visit: Visit) -> None:
    """The address asks for the comparison, which says what each operator did before; without profiles it says so."""
    query = (
        "SELECT a.range % 7 AS n, count(*) AS rows FROM range({{ param('rows', 5) }}) AS a, range(2000) AS b GROUP BY n"
    )
    server = serve(write_project(tmp_path, {model("a.many"): query}))
    server.run("fast", profile=True)
    server.run("slow", profile=True, data={"rows": 100_000})
    page = visit(server).open("/assets/a.many?tab=statements")
    page.get_by_role("button", name="Compare with the last fast run").click()
    expect(page).to_have_url(re.compile("plans=compared"))
    panel = page.get_by_role("tabpanel")
    expect(panel.get_by_text("in fast")).to_be_visible()
    panel.get_by_role("link", name="Statement 2").click()
    row = page.get_by_role("region", name="Plan").get_by_role("row").filter(has_text="Function: RANGE").first
    expect(row).to_contain_text("2,000")
    grouped = page.get_by_role("region", name="Plan").get_by_role("row").filter(has_text="HASH GROUP BY")
    expect(grouped).to_contain_text("slower")
    expect(grouped).to_contain_text("was ")
    page.get_by_role("button", name="Compare with the last fast run").click()
    expect(grouped).not_to_contain_text("slower")
    server.run("plain", data={"rows": 100_000})
    page.goto("/assets/a.many?tab=statements&plans=compared")
    expect(panel.get_by_text("there are only times, no plans: plain was not profiled")).to_be_visible()


def test_running_from_the_page(server: ServerDoor, visit: Visit) -> None:
    """An asset is run alone or with its downstreams, and the page follows without a reload."""
    visitor = visit(server)
    visitor.expect_faults("the server responded with a status of 500")  # the answer to a run that failed
    page = visitor.open("/assets/a.second")
    expect(page.get_by_text("Skipped: upstream a.first failed")).to_be_visible()
    page.get_by_role("button", name="Run r").click()
    task = page.get_by_role("region", name="Task")
    expect(task).to_contain_text("1 done")
    page.get_by_role("button", name="With upstreams").click()
    expect(task).to_contain_text("0 done · 1 failed · 1 skipped")
