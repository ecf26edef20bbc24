"""The history: durations, what stands out in each task, and older tasks."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import model, write_project

PAGE_TASKS = 20


@pytest.fixture
def door(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A project of two assets, the first of which fails for an id that is no number."""
    files = {
        model("s.orders"): "SELECT CAST({{ param('id', 1) }} AS INTEGER) AS id",
        model("s.paid"): 'SELECT id FROM {{ Ref("s.orders") }}',
    }
    return serve(write_project(tmp_path, files))


def rows(page: Page) -> list[str]:
    """The names in the list of tasks."""
    return page.get_by_role("region", name="Tasks, newest first").locator("tbody tr td:nth-child(2)").all_inner_texts()


def test_tasks(door: ServerDoor, visit: Visit) -> None:
    """Tasks come newest first with what stands out; one that starts meanwhile appears, and a point opens its task."""
    door.run("good")
    door.run("bad", data={"id": "nope"})
    page = visit(door).open("/history")
    tasks = page.get_by_role("region", name="Tasks, newest first")
    expect(tasks.locator("tbody tr")).to_have_count(2)
    expect(tasks.get_by_role("row", name=re.compile("bad"))).to_contain_text("s.orders: Conversion Error")
    door.post("/api/dag/asset/s.orders/execute", {"taskId": "single"})
    expect(tasks.get_by_role("row", name=re.compile("single"))).to_contain_text("s.orders alone")
    assert rows(page) == ["single", "bad", "good"]
    page.evaluate("window.isSameDocument = true")
    page.get_by_role("link", name=re.compile("^good: Done")).click()
    expect(page).to_have_url(f"{door.address}/tasks/good")
    assert page.evaluate("window.isSameDocument")


def test_filter_and_keys(door: ServerDoor, visit: Visit) -> None:
    """Filters say how much they hide; arrows move through tasks, and Enter opens one."""
    door.run("good")
    door.run("bad", data={"id": "nope"})
    page = visit(door).open("/history")
    expect(page.get_by_role("region", name="Tasks, newest first").locator("tbody tr")).to_have_count(2)
    page.keyboard.press("f")
    expect(page.get_by_role("main")).to_contain_text("1 of 2 hidden by the filter")
    assert rows(page) == ["bad"]
    page.go_back()
    expect(page).to_have_url(f"{door.address}/history")
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(f"{door.address}/history?task=good")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{door.address}/tasks/good")


def test_older_tasks(door: ServerDoor, visit: Visit) -> None:
    """More tasks than fit a page are reached by a link, and the newest by another."""
    for number in range(PAGE_TASKS + 3):
        door.post("/api/dag/asset/s.orders/execute", {"taskId": f"t{number}"})
    page = visit(door).open("/history")
    expect(page.get_by_role("region", name="Tasks, newest first").locator("tbody tr")).to_have_count(PAGE_TASKS)
    page.get_by_role("link", name="Older tasks").click()
    expect(page).to_have_url(f"{door.address}/history?through=t3")
    expect(page.get_by_role("region", name="Tasks, newest first").locator("tbody tr")).to_have_count(4)
    assert rows(page) == ["t3", "t2", "t1", "t0"]
    page.get_by_role("link", name="Newest 20").click()
    expect(page).to_have_url(f"{door.address}/history")


def test_other_forms(door: ServerDoor, visit: Visit) -> None:
    """Durations are also there as a table, and per asset, each with an address."""
    door.run("good")
    visitor = visit(door)
    page = visitor.open("/history")
    page.get_by_role("link", name="As a table").click()
    expect(page).to_have_url(f"{door.address}/history?as=table")
    expect(page.get_by_role("region", name="Durations as a table")).to_contain_text("100 %")
    page.get_by_role("button", name="Per asset").click()
    assets = page.get_by_role("table", name="Durations of each asset")
    expect(assets.get_by_role("link")).to_have_text(["s.orders", "s.paid"], use_inner_text=True)


def test_never_run(door: ServerDoor, visit: Visit) -> None:
    """A project without a task says so, and runs the DAG by one click."""
    page = visit(door).open("/history")
    expect(page.get_by_role("main")).to_contain_text("No task yet")
    page.get_by_role("main").get_by_role("button", name="Run the DAG").click()
    expect(page.get_by_role("region", name="Tasks, newest first").locator("tbody tr")).to_have_count(1)
