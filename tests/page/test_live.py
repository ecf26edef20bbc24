"""A page that follows a run: in many tabs, and over a crash of the server."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.doors import Serve, free_port
from tests.page.conftest import Visit
from tests.page.gate import Gate

TABS = 12


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def task_bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Task", exact=True)


def test_a_run(gate: Gate, serve: Serve, visit: Visit) -> None:
    """A run that is started on the page is watched on it, from the first node to the end, without a reload."""
    page = visit(serve(gate.folder)).open()
    page.evaluate("window.isSameDocument = true")
    expect(task_bar(page)).to_contain_text("No task yet")
    task_bar(page).get_by_role("button", name="Run…").click()
    page.get_by_role("dialog", name="Run").get_by_role("button", name="Run all 3 assets").click()
    expect(task_bar(page)).to_contain_text("1 of 3")
    expect(task_bar(page)).to_contain_text("Running")
    expect(page).to_have_title(re.compile("1 of 3"))
    gate.open()
    expect(task_bar(page)).to_contain_text("3 done")
    expect(page).not_to_have_title(re.compile("of 3"))
    assert page.evaluate("window.isSameDocument")


def test_a_task_that_waits(gate: Gate, serve: Serve, visit: Visit) -> None:
    """A task whose turn has not come says behind which other it waits, without a clock."""
    server = serve(gate.folder, post_wait_ms=10)
    server.run("monday")
    server.run("tuesday")
    page = visit(server).open()
    expect(task_bar(page)).to_contain_text("tuesdayWaitingbehind monday0 of 3")
    gate.open()
    expect(task_bar(page)).to_contain_text("3 done")


def test_many_tabs(gate: Gate, serve: Serve, visit: Visit) -> None:
    """Twelve tabs follow a run at once, though a browser opens only six connections to a server."""
    server = serve(gate.folder, post_wait_ms=10)
    visitor = visit(server)
    tabs = [visitor.open("/history" if number % 2 else "/") for number in range(TABS)]
    server.run("monday")
    for tab in tabs:
        expect(task_bar(tab)).to_contain_text("Running")
        expect(task_bar(tab)).to_contain_text("1 of 3")
    gate.open()
    for tab in tabs:
        expect(task_bar(tab)).to_contain_text("3 done")


def test_a_crash_in_the_middle(gate: Gate, serve: Serve, visit: Visit) -> None:
    """If the server is killed during a run, the page says so; once it is back, the page shows how the run ended."""
    server = serve(gate.folder, "--port", str(free_port()), post_wait_ms=10)
    visitor = visit(server)
    visitor.expect_faults("Failed to load resource: net::ERR_")
    page = visitor.open()
    live = page.get_by_role("banner").get_by_role("status")
    server.run("monday")
    expect(task_bar(page)).to_contain_text("1 of 3")
    log = visitor.open("/logs?task=monday")
    waits = log.get_by_role("row").filter(has_text="waits at the gate")
    expect(waits).to_have_count(1)
    server.stop(signal.SIGKILL)
    expect(live).to_have_text(re.compile("Offline"))
    expect(task_bar(page)).to_contain_text("Was running")
    expect(task_bar(page)).to_contain_text("clock stopped")
    server.start()
    expect(live).to_have_text("Live")
    expect(task_bar(page)).to_contain_text("1 done · 1 failed")
    expect(log.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    expect(log.get_by_role("main")).to_contain_text("5 lines")
    expect(waits).to_have_count(1)
    gate.open()
    server.run("tuesday")
    expect(task_bar(page)).to_contain_text("3 done")
    expect(page.get_by_role("group", name="Tasks, oldest first").get_by_role("link")).to_have_text(
        ["monday", "tuesday"]
    )
