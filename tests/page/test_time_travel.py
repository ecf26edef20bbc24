"""The tasks as a slider: every view as of a task of the past."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.doors import Serve, ServerDoor, wait_until
from tests.page.conftest import Visit
from tests.projects import model, write_project

EDITED = "SELECT range + {{ param('more', '0') }}::INTEGER AS n FROM range(20)"
FILES = {
    model("s.a"): "SELECT range AS n FROM range(20)",
    model("s.b"): 'SELECT max(n) AS most FROM {{ Ref("s.a") }}',
    model("s.c"): "SELECT CAST({{ param('n', 'x') }} AS INTEGER) AS n",
}


@pytest.fixture
def server(tmp_path: Path, serve: Serve) -> ServerDoor:
    """Two tasks: in the older one, s.c failed; then s.a was edited."""
    server = serve(write_project(tmp_path, FILES), "--reload")
    server.run("old", capture="rows 3")
    write_project(tmp_path, {model("s.a"): EDITED})
    wait_until(lambda: "more" in server.get("/api/dag").json()["nodes"][0]["sqlSelectQuery"])
    server.run("new", data={"n": "1", "more": "100"})
    return server


def test_rows_and_code_of_a_past_task(server: ServerDoor, visit: Visit) -> None:
    """[ leads to the rows that the earlier task left, as far as they were captured, and to the code that it ran."""
    page = visit(server).open("/assets/s.a?tab=data")
    expect(page.get_by_role("gridcell", name="100", exact=True)).to_be_visible()
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile("task=old"))
    expect(page.get_by_text("The first 3 of 20 rows as old made them")).to_be_visible()
    expect(page.locator("[data-cell='2:0']")).to_have_text("2")
    page.get_by_role("tab", name="SQL").click()
    expect(page.get_by_text("as old executed it")).to_be_visible()
    code = page.get_by_role("region", name="Code of s.a")
    expect(code).to_contain_text("SELECT range AS n FROM range(20)")
    page.get_by_role("button", name="As it is now").click()
    expect(code).to_contain_text("param('more', '0')")
    page.goto("/assets/s.b?task=old")
    expect(page.get_by_role("list", name="What it read")).to_contain_text("as this task made it")


def test_one_slider_for_all_views(server: ServerDoor, visit: Visit) -> None:
    """The graph, the log and the timeline follow the same slider, by key, by arrow and by a click."""
    page = visit(server).open("/")
    node = page.locator("[data-node='s.c']")
    expect(node).to_contain_text("Done")
    page.keyboard.press("[")
    expect(node).to_contain_text("Failed")
    page.keyboard.press("g")
    page.keyboard.press("l")
    strip = page.get_by_role("group", name="Tasks, oldest first")
    expect(page.get_by_text("Conversion Error").first).to_be_visible()
    strip.get_by_role("link", name="old").focus()
    page.keyboard.press("ArrowRight")
    expect(strip.get_by_role("link", name="new")).to_be_focused()
    expect(page.get_by_role("main").get_by_text("Conversion Error")).to_have_count(0)
    page.goto("/tasks/new")
    expect(page.get_by_role("main")).to_contain_text("s.c")
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile("/tasks/old$"))
    expect(page.get_by_role("main")).to_contain_text("s.c")
    strip.get_by_role("link", name="new").click()
    expect(page).to_have_url(re.compile("/tasks/new$"))
