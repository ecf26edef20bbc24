"""The tests view: what failed, with its rows, and running one test."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.accessibility import serious_violations
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

FILES = {
    model("s.people"): block("tests: [{name: known}, {name: broken}, {name: fine}]")
    + "SELECT range AS id, CASE WHEN range < 3 THEN NULL ELSE '' END AS email, 1.10 AS paid FROM range(4)",
    data_test("s.known"): block("description: All have **one**\nmask: [paid]")
    + 'SELECT * FROM {{ Ref("s.people") }} WHERE id > 0 ORDER BY id',
    data_test("s.broken"): 'SELECT nope FROM {{ Ref("s.people") }}',
    data_test("s.fine"): 'SELECT * FROM {{ Ref("s.people") }} WHERE id > {{ param("most", 9) }}',
    data_test("root.all"): 'SELECT * FROM {{ Ref("s.people") }} WHERE id > 9',
}


@pytest.fixture
def people(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A server of a project with a test that fails, one that cannot run, one that passes and one that does not run."""
    server = serve(write_project(tmp_path, FILES))
    server.run("monday")
    return server


def listed(page: Page) -> Locator:
    return page.get_by_role("table", name="Data tests").get_by_role("link")


def test_the_rows_of_a_red_test(people: ServerDoor, visit: Visit) -> None:
    """A failed test shows its SQL, its rows with NULL and empty text apart, and says what is masked."""
    page = visit(people).open("/tests?test=s.known")
    panel = page.get_by_role("region", name="s.known", exact=True)
    expect(panel.get_by_role("heading", name="3 rows fail")).to_be_visible()
    expect(panel.get_by_text("paid masked: its values are never kept")).to_be_visible()
    expect(panel.get_by_text("All have one")).to_be_visible()
    expect(panel.get_by_role("region", name="SQL of s.known").get_by_role("link", name="s.people")).to_be_visible()
    rows = panel.get_by_label("Rows that violate s.known")
    for cell in ("NULL", "empty text", "***"):
        expect(rows.get_by_text(cell, exact=True).first).to_be_visible()


def test_a_test_that_could_not_run(people: ServerDoor, visit: Visit) -> None:
    """It is not mistaken for one that found rows, and its error is shown in full."""
    page = visit(people).open("/tests?test=s.broken")
    expect(page.get_by_text("The test could not run, so nothing is known of the rows")).to_be_visible()
    error = page.get_by_role("region", name="Error")
    expect(error).to_contain_text('Binder Error: Referenced column "nope" not found')
    expect(error).to_contain_text("LINE 1: SELECT count(*) FROM (SELECT nope FROM s.people")


def test_filters_and_keys(people: ServerDoor, visit: Visit) -> None:
    """Arrows walk, f shows failed tests only, / finds by text; the address has all of it, and Back undoes a filter."""
    page = visit(people).open("/tests")
    expect(page.get_by_role("button", name="Failed 2")).to_be_visible()
    expect(listed(page)).to_have_text(["broken", "known", "all", "fine"])
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile(r"test=s\.known$"))
    page.keyboard.press("f")
    expect(page).to_have_url(re.compile("status=failed"))
    expect(listed(page)).to_have_text(["broken", "known"])
    expect(page.get_by_text("2 tests hidden by filters. Show all")).to_be_visible()
    page.go_back()
    page.keyboard.press("/")
    page.keyboard.type("WHOLE")
    expect(page).to_have_url(re.compile("q=WHOLE"))
    expect(listed(page)).to_have_text(["all"])


def test_running_one_test(people: ServerDoor, visit: Visit) -> None:
    """r runs the test in view as a task of its own, and its result appears without a reload."""
    page = visit(people).open("/tests?test=s.fine&status=passed")
    expect(page.get_by_role("button", name="Not run 1")).to_be_visible()
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Not run 3")).to_be_visible()
    expect(page.get_by_role("button", name="Passed 1")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(r"^task_\d+_\d+_\d+: passed$"))).to_be_visible()


def test_the_ledger_of_a_red_test(people: ServerDoor, visit: Visit) -> None:
    """Once two tasks found rows, new rows stand first; a chip shows one kind, and all rows can still be filtered."""
    for task_id, most in (("tuesday", 2), ("wednesday", 1)):
        people.run(task_id, data={"most": most})
    page = visit(people).open("/tests?test=s.fine")
    panel = page.get_by_role("region", name="s.fine", exact=True)
    rows = panel.get_by_role("table", name="Ledger of s.fine").get_by_role("row")
    expect(rows).to_have_text(["LedgeridemailpaidFails since", "New2NULL1.10wednesday", "Still3empty text1.10tuesday"])
    expect(panel.get_by_text("since tuesday, by all values")).to_be_visible()
    assert serious_violations(page) == []
    panel.get_by_role("button", name="Still 1").click()
    expect(page).to_have_url(re.compile("became=still"))
    expect(rows).to_have_count(2)
    panel.get_by_role("link", name="Sort, filter, download").click()
    expect(panel.get_by_role("grid", name="Rows that violate s.fine")).to_be_visible()
    page = visit(people).open("/tests?test=s.fine&task=tuesday")
    expect(page.get_by_role("button", name="New 1")).to_be_visible()
