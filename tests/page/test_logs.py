"""The Logs view: filters, links to lines, and a log that grows."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import raw, write_project

LINES = 3_000
SPEAKS = f"""\
import time
from pathlib import Path

def execute(context):
    for number in range({LINES}):
        context.log.info("line", number=number)
    context.log.error("<img src=x onerror=alert(1)>", price=70.0, error="<b>no</b>")
    while not Path({{go!r}}).exists():
        time.sleep(0.05)
    for number in range({LINES}):
        context.log.info("later", number=number)
"""
TOTAL = LINES + 3  # also the start of the DAG and of the asset, and the error


@pytest.fixture
def speaking(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A task `t` that logs, waits for the file `go`, and then logs as much again."""
    project = write_project(tmp_path / "project", {raw("s.talks"): SPEAKS.format(go=str(tmp_path / "go"))})
    door = serve(project, post_wait_ms=100)
    door.run("t")
    return door


def let_go_on(tmp_path: Path) -> None:
    (tmp_path / "go").touch()


def note(page: Page) -> str:
    """What the view says about how many lines are shown."""
    return page.locator(".hidden-note > span").first.inner_text()


def test_filters(hello: Path, serve: Serve, visit: Visit) -> None:
    """The view says what filters hide, Back undoes each, and a download has exactly the lines that are shown."""
    door = serve(hello)
    door.run("t")
    total = door.get("/api/logs/t").json()["count"]
    page = visit(door).open("/logs")
    lines = page.get_by_role("row")
    expect(lines).to_have_count(total)
    page.get_by_role("button", name="Debug").click()
    expect(lines).to_have_count(total - 2)
    assert note(page) == f"{total - 2} of {total} lines. 2 hidden by filters: level debug."
    page.keyboard.press("/")
    page.keyboard.type("WORLD_COUNT")
    expect(lines).to_have_count(1)
    expect(lines.locator("mark")).to_have_text("world_count")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    (line,) = download.value.path().read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["message"] == "Test dds.test_world_count passed"
    page.keyboard.press("Escape")
    page.go_back()
    expect(lines).to_have_count(total)
    page.get_by_role("button", name="Debug").dblclick()
    expect(lines).to_have_count(2)
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Error")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(lines).to_have_count(total)
    for level in ("Error", "Warning", "Info", "Debug"):
        page.get_by_role("button", name=level).click()
    expect(page.get_by_role("main")).to_contain_text(f"0 of {total} lines: all hidden by filters")
    page.get_by_role("button", name=f"Show all {total} lines").click()
    expect(lines).to_have_count(total)


def test_link_to_a_line(speaking: ServerDoor, visit: Visit) -> None:
    """`e` finds the next error, Enter shows all its fields as text, and its address shows the same line elsewhere."""
    visitor = visit(speaking)
    page = visitor.open("/logs?level=error,info")
    expect(page.get_by_role("button", name="Error")).to_contain_text("1")
    page.keyboard.press("e")
    selected = page.get_by_role("row", selected=True)
    expect(selected).to_contain_text("<img src=x onerror=alert(1)>: <b>no</b>")
    expect(selected).to_contain_text("price=70.0")
    page.keyboard.press("Enter")
    fields = page.get_by_role("region", name="All fields of the line")
    expect(fields.get_by_role("definition").filter(has_text="<b>no</b>")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(fields).to_contain_text(str(LINES - 1))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(fields).to_have_count(0)
    expect(page).to_have_url(re.compile(r"[?&]at=\d+$"))
    other = visitor.open(page.url.removeprefix(speaking.address))
    expect(other.get_by_role("row", selected=True)).to_contain_text("<img src=x onerror=alert(1)>")


def test_a_log_that_grows(speaking: ServerDoor, visit: Visit, tmp_path: Path) -> None:
    """The list follows its end, lets go when it is scrolled up, counts what is new, and follows again."""
    page = visit(speaking).open("/logs")
    follow = page.get_by_role("button", name="Follow")
    expect(page.locator(f"[aria-rowindex='{TOTAL}']")).to_contain_text("onerror")
    expect(follow).to_have_attribute("aria-pressed", "true")
    page.get_by_role("grid").hover()
    page.mouse.wheel(0, -2_000)
    expect(follow).to_have_attribute("aria-pressed", "false")
    let_go_on(tmp_path)
    expect(page.get_by_role("region", name="Task")).to_contain_text("Done")
    after = TOTAL + LINES + 2
    expect(page.locator(".hidden-note")).to_contain_text(f"{after:,} lines")
    page.get_by_role("button", name=f"{LINES + 2:,} new").click()
    expect(page.locator(f"[aria-rowindex='{after}']")).to_contain_text("DAG execution finished")
    page.get_by_role("grid").press("Home")
    expect(page.locator("[aria-rowindex='1']")).to_contain_text("Starting DAG execution")
    expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", str(after))


def test_in_words(hello: Path, serve: Serve, visit: Visit) -> None:
    """A view without lines says why: nothing ran, nothing was logged, or logs are switched off."""
    door = serve(hello)
    visitor = visit(door)
    page = visitor.open("/logs")
    expect(page.get_by_role("heading", name="Nothing was logged yet")).to_be_visible()
    door.run("t")
    expect(page.get_by_role("row").first).to_contain_text("Starting DAG execution")
    door.delete("/api/logs/t")
    page.reload()
    expect(page.get_by_role("heading", name="This task logged nothing")).to_be_visible()
    door.stop()
    off = visit(serve(hello, "--no-log-store")).open("/logs")
    expect(off.get_by_role("heading", name="Logs are switched off")).to_be_visible()
    visitor.expect_faults("Failed to load resource: net::ERR_")
