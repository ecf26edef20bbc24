"""The grid of rows: an asset's data, and the rows that violate a test."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

ROWS = 1_000_000
GREATEST = str(max(row * 7919 % 1000003 for row in range(ROWS)))
MILLION = f"""\
SELECT range AS id, (range * 7919) % 1000003 AS mixed, CAST(range / 100 AS DECIMAL(12, 2)) AS amount,
  CASE range % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'name ' || range END AS name
FROM range({ROWS})
"""
ODD = """SELECT 9007199254740993 AS big, 1.10 AS price, '<b>bold</b>' AS name UNION ALL SELECT 1, 2.00, ''"""


@pytest.fixture
def door(tmp_path: Path, serve: Serve) -> ServerDoor:
    """A million rows in a table and kept in a frame, and a test that finds rows."""
    files = {
        model("s.table"): block("primary_key_fields: [id]") + MILLION,
        model("s.framed"): block("is_data_framed: true") + MILLION,
        model("s.odd"): block("tests: [{name: finds}]") + ODD,
        data_test("s.finds"): 'SELECT * FROM {{ Ref("s.odd") }} ORDER BY big DESC',
        model("s.late"): '-- {{ Ref("s.odd") }}\nSELECT 1 AS id',
    }
    door = serve(write_project(tmp_path, files))
    door.run("t")
    return door


def selected(page: Page) -> str:
    """The text of the selected cell, once it is there."""
    cell = page.locator("td.cell:not(:has(.faint))")
    expect(cell).to_be_visible()
    return cell.inner_text()


def test_to_the_last_row_of_a_million(door: ServerDoor, visit: Visit) -> None:
    """Keys lead to the last of a million rows, kept or in a table, also when they are sorted; the URL has the cell."""
    visitor = visit(door)
    for asset in ("s.table", "s.framed"):
        page = visitor.open(f"/assets/{asset}?tab=data")
        page.locator("[data-cell='0:0']").click()
        page.keyboard.press("Control+End")
        expect(page.locator("td.cell")).to_have_attribute("data-cell", f"{ROWS - 1}:3")
        page.keyboard.press("Home")
        assert selected(page) == str(ROWS - 1)
        page.get_by_role("columnheader", name="mixed").get_by_role("button").click()
        expect(page.locator("[role=grid][aria-busy=false] th[aria-sort=ascending]")).to_be_visible()
        page.locator("[data-cell='0:1']:not(:has(.faint))").click()
        page.keyboard.press("Control+End")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert selected(page) == GREATEST
        expect(page).to_have_url(re.compile(rf"sort=mixed.*cell={ROWS - 1}%3A1"))
        again = visitor.open(page.url.removeprefix(door.address))
        assert selected(again) == GREATEST


def test_filters(door: ServerDoor, visit: Visit) -> None:
    """A filter is made with keys alone, says how many rows are left, and goes with its cross or with Back."""
    page = visit(door).open("/assets/s.table?tab=data")
    page.locator("[data-cell='0:2']:not(:has(.faint))").click()
    page.keyboard.press("/")
    expect(page.get_by_label("Column")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("12.5")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 1,000,000 rows")).to_be_visible()
    assert page.locator("[data-cell='0:0']").inner_text() == "1250"
    page.go_back()
    expect(page.get_by_text("1,000,000 rows", exact=True).first).to_be_visible()
    page.go_forward()
    page.get_by_role("button", name="Remove amount:eq:12.5").click()
    expect(page.locator("[data-cell='3:0']")).to_have_text("3")
    page.goto(f"{door.address}/assets/s.table?tab=data&filter=id:lt:0")
    expect(page.get_by_text("0 of 1,000,000 rows fulfil the filter.")).to_be_visible()


def test_filters_belong_to_their_rows(door: ServerDoor, visit: Visit) -> None:
    """Choosing another asset leaves the filters behind, and Back finds them again."""
    page = visit(door).open("/?asset=s.table&tab=data&filter=amount:eq:12.5")
    expect(page.get_by_text("1 of 1,000,000 rows")).to_be_visible()
    page.get_by_role("button", name=re.compile("odd")).first.click()
    expect(page.get_by_role("grid", name="Rows of s.odd")).to_contain_text("9007199254740993")
    page.go_back()
    expect(page.get_by_text("1 of 1,000,000 rows")).to_be_visible()


def test_a_cell_in_full(door: ServerDoor, visit: Visit) -> None:
    """The dialog shows all digits, tells an empty text from NULL, stays while arrows move, and filters by its value."""
    page = visit(door).open("/assets/s.table?tab=data")
    page.locator("[data-cell='0:3']:not(:has(.faint))").click()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Cell of name")
    expect(dialog).to_contain_text("NULL: no value at all")
    page.keyboard.press("ArrowDown")
    expect(dialog).to_contain_text("0 characters. Not NULL")
    expect(dialog).to_contain_text("2 of 1,000,000")
    dialog.get_by_role("button", name="Only this value").click()
    expect(page.get_by_text("333,333 of 1,000,000 rows")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_copy_and_go_to_a_row(door: ServerDoor, visit: Visit) -> None:
    """`g` goes to a row by its number, and Ctrl+C copies what is selected as text with tabs."""
    page = visit(door, permissions=["clipboard-read", "clipboard-write"]).open("/assets/s.table?tab=data")
    page.locator("[data-cell='0:0']:not(:has(.faint))").click()
    page.keyboard.press("g")
    page.keyboard.type("500,000")
    page.keyboard.press("Enter")
    assert selected(page) == "499999"
    page.keyboard.press("Shift+ArrowDown")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Control+c")
    expect(page.get_by_text("Copied 6 cells")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    mixed = [row * 7919 % 1000003 for row in (499_999, 500_000)]
    assert copied == f"499999\t{mixed[0]}\t4999.99\n500000\t{mixed[1]}\t5000.00"


def test_the_rows_of_a_failed_test(door: ServerDoor, visit: Visit) -> None:
    """The rows of a red test are in the same grid, with all digits, and no text of theirs becomes HTML."""
    page = visit(door).open("/tests?test=s.finds")
    grid = page.get_by_role("grid", name="Rows that violate s.finds")
    expect(grid).to_contain_text("9007199254740993")
    expect(grid).to_contain_text("<b>bold</b>")
    expect(grid.locator("tbody .empty")).to_have_text("empty text")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "s.finds.csv"
    assert download.value.path().read_text(encoding="utf-8").splitlines()[1] == "9007199254740993,1.10,<b>bold</b>"


def test_pages_without_a_grid(door: ServerDoor, visit: Visit) -> None:
    """The same rows can be read in pages, as a plain table."""
    page = visit(door).open("/assets/s.table?tab=data&sort=-id")
    page.get_by_role("button", name="Pages").click()
    page.get_by_role("button", name="Last").click()
    expect(page.get_by_text("Rows 999,901 to 1,000,000 of 1,000,000; page 10,000 of 10,000")).to_be_visible()
    expect(page.get_by_role("table").get_by_role("row").last).to_contain_text("1,000,000")
