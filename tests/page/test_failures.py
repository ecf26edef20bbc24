"""From a red task to its cause."""

import json

from playwright.sync_api import expect

from tests.doors import ServerDoor
from tests.page.conftest import Visit
from tests.page.shop import ERRORS_IN_LOG, FAILING_ROWS


def test_the_first_error(served_shop: ServerDoor, visit: Visit) -> None:
    """One click on the first failure in the task bar leads to the whole error, with its place in the statement."""
    page = visit(served_shop).open()
    page.get_by_role("region", name="Task").get_by_role("link", name="staging.prices").click()
    error = page.get_by_role("region", name="Error")
    expect(error).to_contain_text("Could not convert string 'n/a' to INT32")
    expect(error).to_contain_text(
        "LINE 1: CREATE OR REPLACE TABLE staging.prices AS SELECT CAST('n/a' AS INTEGER) AS price"
    )


def test_the_first_error_of_a_task(served_shop: ServerDoor, visit: Visit) -> None:
    """From the history, two clicks lead to the first error of a task: the task, and the log of what failed in it."""
    page = visit(served_shop).open("/history")
    page.get_by_role("main").get_by_role("link", name="monday").last.click()
    first = page.get_by_role("region", name="First failure")
    expect(first).to_contain_text("Could not convert string 'n/a' to INT32")
    first.get_by_role("link", name="Its log").click()
    expect(page.get_by_role("row", name="Error staging.prices")).to_contain_text(
        "Could not convert string 'n/a' to INT32"
    )


def test_the_rows_of_a_red_test(served_shop: ServerDoor, visit: Visit) -> None:
    """A red test opens with the rows that it found."""
    page = visit(served_shop).open()
    page.get_by_role("link", name="Tests 1 failed").click()
    page.get_by_role("link", name="amount_positive").first.click()
    expect(page.get_by_role("heading", name=f"{FAILING_ROWS} rows fail")).to_be_visible()
    rows = page.get_by_label("Rows that violate dds.test_amount_positive")
    for amount in (-14, -7, 0):
        # The summary above the rows can name the same value.
        found = rows.get_by_role("row").filter(has_text=f"customer {amount // 7 + 2}").last
        expect(found).to_contain_text(str(amount))


def test_the_log(served_shop: ServerDoor, visit: Visit) -> None:
    """Filters of the log are in the address, say how much they hide, and the download has exactly what they show."""
    page = visit(served_shop).open("/logs")
    page.get_by_role("button", name="Info").click()
    page.get_by_role("button", name="Debug").click()
    page.get_by_role("button", name="Warning").click()
    page.get_by_role("combobox", name="Asset").select_option("staging.feed")
    lines = page.get_by_role("grid", name="Log lines").get_by_role("row")
    expect(lines).to_have_count(ERRORS_IN_LOG)
    page.get_by_role("searchbox").fill("file 150")
    expect(lines).to_have_count(1)
    expect(page.get_by_role("main")).to_contain_text("1 of 319 lines. 318 hidden by filters")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    (entry,) = map(json.loads, started.value.path().read_text(encoding="utf-8").splitlines())
    assert (entry["message"], entry["file"], entry["rows"]) == ("read file 150", "orders-150.csv", 1050)
    page.reload()
    expect(lines).to_have_count(1)
    page.get_by_role("link", name="Show all").click()
    expect(page.get_by_role("row", name="file=orders-1.csv")).to_be_visible()
