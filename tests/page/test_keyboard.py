"""The page without a mouse."""

from playwright.sync_api import expect

from tests.doors import ServerDoor
from tests.page.conftest import Visit


def test_keys(served_shop: ServerDoor, visit: Visit) -> None:
    """Every view, the palette, the help, a red test's rows and a run can be reached with keys."""
    page = visit(served_shop).open()
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text("Failed")
    for keys, path in (("gt", "/tests"), ("gl", "/logs"), ("gh", "/history"), ("gd", "/"), ("gr", "/tasks/monday")):
        page.keyboard.type(keys)
        expect(page).to_have_url(f"{served_shop.address}{path}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find or run")).to_be_focused()
    page.keyboard.type("ranking")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="mart.ranking")).to_be_visible()
    page.keyboard.type("gt")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="test_amount_positive")).to_be_visible()


def test_skip_link(served_shop: ServerDoor, visit: Visit) -> None:
    """The first Tab leads to a link past the bars, and the focus is always visible."""
    page = visit(served_shop).open_fully("/tests")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the view")).to_be_focused()
    invisible = """() => {
      const element = document.activeElement;
      const isMarked = ({ outlineStyle, boxShadow }) => outlineStyle !== "none" || boxShadow !== "none";
      const boxes = [element, element.closest("label, .input")].filter((one) => one);
      const isSeen = element === document.body || boxes.some((one) => isMarked(getComputedStyle(one)));
      return isSeen ? "" : element.outerHTML.slice(0, 200);
    }"""
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(invisible) == ""
