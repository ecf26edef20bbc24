"""A million rows in the grid."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.doors import ServerDoor
from tests.page.conftest import Visit
from tests.projects import block, model, write_project

ROWS = 1_000_000
LARGE = 2**127 - 1
_SQL = f"""\
SELECT
    range AS id,
    CASE range % 4 WHEN 0 THEN 'UA' WHEN 1 THEN 'DL' WHEN 2 THEN '' END AS carrier,
    (range * 7919 % {ROWS})::INTEGER AS delay,
    (range * 0.01)::DECIMAL(12, 2) AS fare,
    {LARGE} - range AS large
FROM range({ROWS})
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """A project whose only asset has a million rows, kept with its task."""
    files = {model("staging.flights"): block("is_data_framed: true") + _SQL}
    server = ServerDoor(write_project(tmp_path_factory.mktemp("million"), files))
    server.run("monday")
    yield server
    server.stop()


def grid_of(page: Page) -> Locator:
    return page.get_by_role("grid", name=re.compile("staging.flights"))


def test_the_last_of_a_million_rows(million: ServerDoor, visit: Visit) -> None:
    """Ctrl End leads to the last row, with every digit of its numbers, and Ctrl Home back to the first."""
    page = visit(million).open("/assets/staging.flights?tab=data")
    grid = grid_of(page)
    first = grid.get_by_role("row", name=f"1 0 UA 0 0.00 {LARGE}")
    expect(first).to_be_visible()
    grid.focus()
    page.keyboard.press("Control+End")
    last = grid.get_by_role("row", name=f"1,000,000 999999 NULL 992081 9999.99 {LARGE - ROWS + 1}")
    expect(last).to_be_in_viewport()
    page.keyboard.press("Control+Home")
    expect(first).to_be_in_viewport()


def test_sort_and_filter_a_million_rows(million: ServerDoor, visit: Visit) -> None:
    """Sort and filter are in the address, so that a reload and Back keep them; the count is that of all rows."""
    page = visit(million).open("/assets/staging.flights?tab=data")
    grid = grid_of(page)
    for direction in ("ascending", "descending"):
        grid.get_by_role("columnheader", name="delay").get_by_role("button").click()
        expect(grid.get_by_role("columnheader", name="delay")).to_have_attribute("aria-sort", direction)
    expect(grid.get_by_role("row").filter(has_text="999999").first).to_be_in_viewport()
    page.get_by_role("button", name="Filter").click()
    form = page.get_by_role("form", name="Add a filter")
    form.get_by_role("combobox", name="Column").select_option("carrier")
    form.get_by_role("textbox", name="Value").fill("UA")
    form.get_by_role("button", name="Add").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("250,000 of 1,000,000 rows")
    page.reload()
    expect(main).to_contain_text("250,000 of 1,000,000 rows")
    expect(grid.get_by_role("columnheader", name="delay")).to_have_attribute("aria-sort", "descending")
    page.go_back()
    expect(main).to_contain_text("1,000,000 rows")
    expect(main).not_to_contain_text("250,000 of")
