"""The compare view: why nodes are red, what changed of each asset, and how the two tasks are chosen."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.doors import Serve, ServerDoor
from tests.page.accessibility import serious_violations
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

FILES = {
    model("staging.a"): "SELECT range AS id, range % 7 AS value,\n  '<b>' AS html FROM range(100)",
    model("staging.b"): "SELECT range AS id FROM range({{ param('n', 10) }})",
    model("mart.sums"): block("tests: [{name: small}]\nprimary_key_fields: [value]")
    + 'SELECT value, count(*) AS n FROM {{ Ref("staging.a") }} GROUP BY value',
    model("mart.other"): 'SELECT * FROM {{ Ref("mart.sums") }}',
    "assets/tests/mart/small.sql": 'SELECT * FROM {{ Ref("mart.sums") }} WHERE value > 6',
}


@pytest.fixture
def changed(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A server after a green task `monday`, a change of staging.a, and a red task `tuesday`."""
    server = serve(write_project(tmp_path, FILES))
    server.run("monday")
    server.stop()
    (tmp_path / model("staging.a")).write_text(FILES[model("staging.a")].replace("% 7", "% 8"))
    server.start()
    server.run("tuesday", data={"n": 12})
    return server


def causes(page: Page) -> str:
    return page.get_by_role("region", name="Why is it red?").inner_text()


def test_why_is_it_red(changed: ServerDoor, visit: Visit) -> None:
    """`w` compares with the last green task: the cause comes first, then what changed of each asset."""
    page = visit(changed).open("/logs")
    expect(page.get_by_role("link", name="Why is it red?")).to_be_visible()
    page.keyboard.press("w")
    expect(page).to_have_url(f"{changed.address}/compare")
    expect(page.get_by_role("heading", level=1)).to_have_text("staging.a: its SQL changed (+1 -1)")
    assert "Red because of it: mart.sums, tests failed: mart.small (1 row)" in causes(page)
    card = page.get_by_role("region", name="What changed of staging.a")
    expect(card.locator(".add")).to_contain_text("SELECT range AS id, range % 8 AS value,")
    expect(card.locator(".del")).to_contain_text("SELECT range AS id, range % 7 AS value,")
    sums = page.get_by_role("region", name="What changed of mart.sums")
    expect(sums).to_contain_text("7 rows → 8; 7 changed, 1 added by value")
    expect(sums).to_contain_text("mart.small passed → failed (1)")
    expect(page.get_by_role("region", name="What changed of staging.b")).to_contain_text("Parameter nunset → 12")
    expect(page.get_by_role("main")).to_contain_text("3 assets changed 1 as before")
    names = page.get_by_role("table", name="Assets").locator("tbody tr td:nth-child(2) a")
    expect(names).to_have_text(["mart.sums", "staging.a", "staging.b", "mart.other"])


def test_links_from_red_nodes(changed: ServerDoor, visit: Visit) -> None:
    """The panel of a red asset leads to what changed of it, and `n` and Escape from there to the others and back."""
    page = visit(changed).open("/?asset=mart.sums")
    page.get_by_role("region", name="mart.sums").get_by_role("link", name="Why is it red?").click()
    expect(page).to_have_url(f"{changed.address}/compare?asset=mart.sums")
    expect(page.get_by_role("heading", level=1)).to_have_text("mart.sums")
    page.keyboard.press("n")
    expect(page).to_have_url(f"{changed.address}/compare?asset=staging.a")
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{changed.address}/compare")


def test_rows_side_by_side(changed: ServerDoor, visit: Visit) -> None:
    """The rows that differ stand side by side, the cells that changed are marked, and both grids scroll together."""
    page = visit(changed).open("/compare?asset=mart.sums")
    grids = page.get_by_role("region", name="Rows of mart.sums that differ")
    expect(grids).to_contain_text("8 of 8")
    before, now = (grids.get_by_role("table", name=name) for name in ("Before: monday", "Now: tuesday"))
    expect(before.get_by_role("row").nth(1)).to_have_text("Changed0changed: 15")
    expect(now.get_by_role("row").nth(1)).to_have_text("Changed0changed: 13")
    expect(before.get_by_role("row").nth(8)).to_have_text("not there")
    expect(now.get_by_role("row").nth(8)).to_have_text("Added712")
    page.set_viewport_size({"width": 1280, "height": 600})
    page.get_by_role("group", name="Now: tuesday").evaluate("box => box.scrollTo(0, 60)")
    page.wait_for_function("""() => {
      const [before, now] = document.querySelectorAll(".gridpair .rowsbox");
      return now.scrollTop > 0 && before.scrollTop === now.scrollTop;
    }""")
    grids.get_by_role("button", name="Added 1").click()
    expect(page).to_have_url(f"{changed.address}/compare?asset=mart.sums&change=added")
    expect(now.get_by_role("row")).to_have_count(2)


def test_rows_as_text(changed: ServerDoor, visit: Visit) -> None:
    """Without a primary key, whole rows were removed and added; values are shown as text, not as HTML."""
    page = visit(changed).open("/compare?asset=staging.a")
    now = page.get_by_role("table", name="Now: tuesday")
    expect(page.get_by_role("table", name="Before: monday").get_by_role("row").nth(1)).to_have_text("Removed70<b>")
    expect(now.get_by_role("row").nth(1)).to_have_text("not there")
    expect(now.get_by_role("row").nth(2)).to_have_text("Added77<b>")


def test_choosing_tasks(changed: ServerDoor, visit: Visit) -> None:
    """Both tasks are chosen above, and swapped; the address has them. One without an earlier green task says so."""
    visitor = visit(changed)
    visitor.expect_faults("404.*/api/compare")
    page = visitor.open("/compare?task=monday")
    expect(page.get_by_role("heading", level=1)).to_have_text("nothing to compare monday with")
    page.get_by_role("combobox", name="Before").select_option("tuesday")
    expect(page).to_have_url(f"{changed.address}/compare?task=monday&from=tuesday")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is red in monday")
    page.get_by_role("button", name="Swap").click()
    expect(page).to_have_url(f"{changed.address}/compare?from=monday")
    expect(page.get_by_role("heading", level=1)).to_have_text("staging.a: its SQL changed (+1 -1)")
    page.get_by_role("combobox", name="Now").select_option("monday")
    expect(page.get_by_role("main")).to_contain_text("the same task")


def test_two_tasks_of_the_history(changed: ServerDoor, visit: Visit) -> None:
    """Space marks a task in the history, and a second one opens the comparison, the older task first."""
    page = visit(changed).open("/history")
    tasks = page.get_by_role("region", name="Tasks, newest first")
    expect(tasks.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("Space")
    expect(tasks.get_by_role("row", name=re.compile("tuesday"))).to_contain_text("marked")
    page.keyboard.press("Space")
    expect(tasks.get_by_text("marked")).to_have_count(0)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Compare with monday")).to_be_visible()
    page.keyboard.press("Space")
    expect(page).to_have_url(f"{changed.address}/compare?from=monday")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe(changed: ServerDoor, visit: Visit, theme: str) -> None:
    """axe finds nothing serious in the comparison, nor in that of one asset."""
    visitor = visit(changed, reduced_motion="reduce", color_scheme=theme)
    for path in ("/compare", "/compare?asset=staging.a"):
        assert serious_violations(visitor.open_fully(path)) == [], path
