"""The task view: what failed first, and how each node spent its time."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.accessibility import serious_violations
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def orders(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A project of three assets with a test and a root test, which fail for large, even or other ids."""
    files = {
        model("s.orders"): "SELECT CAST({{ param('id', 1) }} AS INTEGER) AS id",
        model("s.paid"): block("tests: [{name: test_small}]") + 'SELECT id FROM {{ Ref("s.orders") }}',
        model("m.report"): 'SELECT id FROM {{ Ref("s.paid") }}',
        data_test("s.test_small"): block("description: No id above 5")
        + 'SELECT id FROM {{ Ref("s.paid") }} WHERE id > 5',
        data_test("root.test_odd"): 'SELECT id FROM {{ Ref("s.orders") }} WHERE id % 2 = 0',
    }
    return serve(write_project(tmp_path, files))


def nodes(page: Page) -> list[str]:
    """State and name of each row of the node table."""
    rows = page.get_by_role("grid", name="Nodes").locator("tbody tr").all()
    return [" ".join(row.get_by_role("gridcell").nth(column).inner_text() for column in (0, 1)) for row in rows]


def test_a_failed_task(orders: ServerDoor, visit: Visit) -> None:
    """A failed task says first what failed, with a row that its test found, and what is skipped because of it."""
    orders.run("t", data={"id": 7})
    page = visit(orders).open("/tasks/t")
    alert = page.get_by_role("region", name="First failure")
    expect(alert).to_contain_text(re.compile("s.paid.*its test found 1 row"))
    expect(alert).to_contain_text("No id above 5")
    expect(alert.get_by_role("table")).to_have_text("id7")
    expect(alert).to_contain_text("Blocked because of it: report")
    assert nodes(page) == ["Done s.orders", "Failed s.paid", "Skipped m.report"]
    expect(page.get_by_role("grid")).to_contain_text("because of s.paid")
    expect(page.get_by_role("region", name="Root tests")).to_contain_text("Passed")
    expect(page.get_by_role("main")).to_contain_text("Critical path: s.orders → s.paid")


def test_errors_are_text(orders: ServerDoor, visit: Visit) -> None:
    """The message of a database is text on the page, whatever it contains."""
    orders.run("t", data={"id": MARKUP})
    page = visit(orders).open("/tasks/t")
    expect(page.get_by_role("region", name="First failure")).to_contain_text(MARKUP)
    expect(page.locator("img")).to_have_count(0)


def test_live(orders: ServerDoor, visit: Visit) -> None:
    """A task that starts while its page is open appears and ends without a reload."""
    visitor = visit(orders)
    visitor.expect_faults("/api/dag/status/later")
    page = visitor.open("/tasks/later")
    expect(page.get_by_role("main")).to_contain_text('There is no task "later".')
    orders.run("later")
    expect(page.get_by_role("main")).to_contain_text("all 3 assets, with tests")
    expect(page.get_by_role("main").locator(".title")).to_contain_text("Done")
    expect(page.get_by_role("grid").locator("tbody tr")).to_have_count(3)


def test_state_in_the_address(orders: ServerDoor, visit: Visit) -> None:
    """Filter, sort and selection are in the address, by mouse and by keys; Back undoes the filter."""
    orders.run("t", data={"id": 7})
    page = visit(orders).open("/tasks/t")
    page.get_by_role("button", name="Asset").click()
    expect(page).to_have_url(f"{orders.address}/tasks/t?sort=name")
    assert nodes(page) == ["Skipped m.report", "Done s.orders", "Failed s.paid"]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("f")
    expect(page).to_have_url(f"{orders.address}/tasks/t?sort=name&asset=m.report&state=failed")
    expect(page.get_by_role("region", name="Nodes")).to_contain_text("2 hidden by the filter")
    page.go_back()
    assert len(nodes(page)) == 3
    page.reload()
    expect(page.locator("tr[aria-selected=true]")).to_contain_text("m.report")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{orders.address}/assets/m.report?task=t")


def test_attempts(orders: ServerDoor, visit: Visit) -> None:
    """An earlier attempt can be chosen, and a link leads to it; the newest says what it carried over."""
    orders.run("t", data={"id": 7})
    orders.run("t", data={"id": 1})
    orders.post("/api/dag/asset/s.orders/execute", {"taskId": "t"})
    page = visit(orders).open("/tasks/t")
    expect(page.get_by_role("grid").get_by_text("carried over from an earlier attempt")).to_have_count(2)
    page.get_by_role("combobox", name="Attempt").select_option("attempt 1 of 3")
    expect(page).to_have_url(f"{orders.address}/tasks/t?attempt=1")
    expect(page.get_by_role("region", name="First failure")).to_contain_text("s.paid")
    expect(page.get_by_role("main").get_by_role("button", name="Retry")).to_have_count(0)


def test_a_test_alone(orders: ServerDoor, visit: Visit) -> None:
    """A task of one data test, which has no nodes, shows its result."""
    orders.run("whole", data={"id": 7})
    orders.post("/api/tests/execute/s.test_small", {"taskId": "lone"})
    page = visit(orders).open("/tasks/lone")
    expect(page.get_by_role("main")).to_contain_text("1 test alone")
    expect(page.get_by_role("region", name="First failure")).to_contain_text("a test run alone")


def test_what_if(orders: ServerDoor, visit: Visit) -> None:
    """A task that has ended says what would be if an asset took less time; the asset and the part are in the URL."""
    orders.run("t")
    page = visit(orders).open("/tasks/t?asset=s.paid")
    said = page.get_by_role("status").filter(has_text="If s.paid took")
    expect(said).to_have_text(re.compile(r"If s\.paid took.*the task would (still )?take \d"))
    said.get_by_label("How much of its time").select_option("twice its time")
    expect(page).to_have_url(re.compile("took=200"))
    expect(said).to_have_text(re.compile(r"the task would (still )?take \d"))
    assert serious_violations(page) == []
