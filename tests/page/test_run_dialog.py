"""The form for a run: its data, which assets, with or without tests."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

FILES = {
    model("s.first"): block("tests: [{name: s.few}]")
    + "SELECT {{ param('top', 20) }} AS top, {{ param('day', 'monday') }} AS day",
    model("s.second"): "SELECT * FROM {{ Ref('s.first') }}",
    "assets/tests/s/few.sql": "SELECT * FROM {{ Ref('s.first') }} WHERE top > 100",
}


@pytest.fixture
def door(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A project of two assets and two parameters."""
    return serve(write_project(tmp_path, FILES))


def opened(page: Page) -> None:
    page.get_by_role("button", name="Run…", exact=True).click()
    expect(page.get_by_label("Assets", exact=True)).to_be_focused()


def test_nothing_has_run_yet(door: ServerDoor, visit: Visit) -> None:
    """Before the first task the DAG says how to start one and which parameters there are; `r` runs all assets."""
    page = visit(door).open()
    beside = page.get_by_role("complementary", name="Nothing has run yet")
    expect(beside).to_contain_text('top20, read by s.firstday"monday", read by s.first')
    expect(beside).to_contain_text(f"curl -s {door.address}/api/dag/run")
    page.keyboard.press("r")
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text(re.compile("Done.*2 done"))
    expect(beside).not_to_be_visible()


def test_data_and_selection(door: ServerDoor, visit: Visit) -> None:
    """The form runs the selected assets with the typed data and name, and keeps all but the name for the next run."""
    page = visit(door).open()
    opened(page)
    page.keyboard.type("s.first")
    page.get_by_role("button", name="top 20").click()
    page.get_by_label("Value 1").fill("300")
    page.get_by_label("Run data tests").uncheck()
    page.get_by_label("Task name").fill("tops")
    page.get_by_role("button", name="Run the selection").click()
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text(re.compile("Done.*1 done"))
    assert door.get("/api/dag/asset/s.first/data").json()["data"] == [{"top": 300, "day": "monday"}]
    task = door.get("/api/dag/tasks").json()["tasks"][0]
    assert (task["taskId"], task["totalAssets"]) == ("tops", 1)
    opened(page)
    expect(page.get_by_label("Assets", exact=True)).to_have_value("s.first")
    expect(page.get_by_label("Value 1")).to_have_value("300")
    expect(page.get_by_label("Run data tests")).not_to_be_checked()
    page.get_by_label("Task name").fill("tops")
    page.get_by_role("button", name="Run the selection").click()
    said = page.get_by_role("dialog").get_by_role("alert")
    expect(said).to_have_text("There is already a task tops. Choose another name.")


def test_what_is_refused(door: ServerDoor, visit: Visit) -> None:
    """What is wrong is said in the form, before anything is sent where the page can tell, and nothing is run."""
    visitor = visit(door)
    visitor.expect_faults("status of 400")
    page = visitor.open()
    opened(page)
    said = page.get_by_role("dialog").get_by_role("alert")
    page.keyboard.type("s.frist")
    page.keyboard.press("Enter")
    expect(said).to_have_text('Assets: there is no asset "s.frist"; did you mean "s.first"?')
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("Data as JSON").fill('{"top": x}')
    expect(said).to_have_text("Not valid JSON: x is not expected here.")
    expect(page.get_by_role("button", name="Run the selection")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Run the selection").click(force=True)
    assert door.get("/api/dag/tasks").json()["total"] == 0
