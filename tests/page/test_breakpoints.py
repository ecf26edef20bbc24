"""Breakpoints: set with a click, held at, and continued."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.doors import Serve
from tests.page.conftest import Visit
from tests.projects import model, write_project

FILES = {
    model("a.rows"): "SELECT range AS id FROM range(3)",
    model("b.even"): "SELECT id FROM {{ Ref('a.rows') }} WHERE id % 2 = 0",
    model("c.count"): "SELECT count(*) AS n FROM {{ Ref('b.even') }}",
}


def test_breakpoints(tmp_path: Path, serve: Serve, visit: Visit) -> None:
    """A click sets a breakpoint, which the browser keeps; the task bar says where the task holds and continues it."""
    folder = write_project(tmp_path, FILES)
    visitor = visit(serve(folder, "--reload"))
    visitor.expect_faults("status of 400")  # a run of one asset leaves out the breakpoints at others
    page = visitor.open("/?asset=b.even")
    page.get_by_role("button", name="Breakpoint b").click()
    when = page.get_by_label("When to hold")
    when.fill("rows ~ 1")
    expect(page.get_by_text("before, after, failed, or such as rows < 1")).to_be_visible()
    when.fill("rows > 1")
    page.reload()
    expect(page.get_by_label("When to hold")).to_have_value("rows > 1")
    page.keyboard.press("Escape")
    node = page.locator('[data-node="b.even"]')
    expect(node).to_contain_text("breakpoint: rows > 1")
    bar = page.get_by_role("region", name="Task", exact=True)
    page.get_by_role("button", name="Run…", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Run all 3 assets").click()
    expect(bar).to_contain_text("Paused after b.even")
    expect(node).to_contain_text("Paused")
    (folder / model("b.even")).write_text("SELECT id FROM {{ Ref('a.rows') }} WHERE id = 2")
    bar.get_by_role("button", name="Run again").click()
    expect(bar).to_contain_text(re.compile("Done.*3 done"))
    page.goto("/?asset=a.rows")
    expect(page.get_by_role("button", name="Run r", exact=True)).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("r")
    expect(bar).to_contain_text(re.compile("Done.*1 done"))
    page.keyboard.press("b")
    expect(page.locator('[data-node="a.rows"]')).to_contain_text("breakpoint: after")
    page.keyboard.press("Shift+R")
    expect(bar).to_contain_text("Paused after a.rows")
    page.reload()
    expect(bar).to_contain_text("Paused after a.rows")
    bar.get_by_role("button", name="Stop").click()
    expect(bar).to_contain_text(re.compile("Failed.*1 done"))
