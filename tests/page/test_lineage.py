"""Where rows and columns come from and where they go, in the page."""

import re

from playwright.sync_api import expect

from tests.doors import ServerDoor
from tests.page.conftest import Visit


def test_from_a_row_to_its_origins(served_shop: ServerDoor, visit: Visit) -> None:
    """From a row of the grid, t leads to the rows that made it, from each of these one can go on, and Back returns."""
    page = visit(served_shop).open("/assets/dds.customer?tab=data&sort=customer")
    page.get_by_role("gridcell", name="customer 0", exact=True).click()
    page.keyboard.press("t")
    comes_from, goes_to = (page.get_by_role("region", name=name, exact=True) for name in ("Comes from", "Goes to"))
    group = "8 rows of staging.orders have the same customer; that is the group that was aggregated."
    expect(comes_from).to_contain_text(group)
    expect(goes_to).to_contain_text("1 row of mart.ranking has the same customer and spent.")
    comes_from.get_by_role("link", name="Trace row 2 of staging.orders").click()
    expect(page).to_have_url(re.compile(r"/assets/staging\.orders\?tab=trace&row="))
    expect(comes_from).to_contain_text("It reads no asset.")
    expect(goes_to).to_contain_text("1 row of dds.order has the same order_id, amount and customer.")
    page.go_back()
    expect(comes_from).to_contain_text(group)


def test_the_way_ends_at_an_expression(served_shop: ServerDoor, visit: Visit) -> None:
    """Where no column leads on, the page says why; all rows of a group are a link to the grid."""
    page = visit(served_shop).open("/assets/mart.revenue?tab=trace&row=%7B%22revenue%22:1%7D")
    expect(page.get_by_role("region", name="Comes from", exact=True)).to_contain_text(
        "No column of the row leads to dds.order unchanged (revenue: it is aggregated: SUM(amount))."
    )
    page.goto("/assets/dds.customer?tab=trace")
    expect(page.get_by_text("Select a row in Data and press t")).to_be_visible()


def test_a_column_in_the_graph(served_shop: ServerDoor, visit: Visit) -> None:
    """The chosen column's way is in the address and in the graph: its columns are on the nodes, all else is dim."""
    page = visit(served_shop).open("/?asset=dds.customer&tab=columns")
    columns = page.get_by_role("list", name="Columns of")
    columns.get_by_role("button", name="spent").press("Enter")
    expect(page).to_have_url(re.compile("column=spent"))
    graph = page.get_by_role("group", name="Graph")
    expect(graph.locator("[data-node='staging.orders'] .oncolumn")).to_have_text("amount")
    expect(graph.locator("[data-node='mart.ranking'] .oncolumn")).to_have_text("spent")
    expect(graph.locator("[data-node='dds.order']")).to_have_class(re.compile("dim"))
    page.get_by_role("list", name="Comes from").get_by_role("link", name="staging.orders.amount").click()
    expect(page).to_have_url(re.compile(r"(?=.*asset=staging\.orders)(?=.*column=amount)"))
    expect(graph.locator("[data-node='mart.revenue'] .oncolumn")).to_have_text("revenue")
    columns.get_by_role("button", name="amount").press("Enter")
    expect(graph.locator(".oncolumn")).to_have_count(0)
