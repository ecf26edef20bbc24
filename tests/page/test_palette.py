"""The palette, the help and the keys of every view."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.doors import ServerDoor
from tests.page.conftest import Visit


@pytest.fixture(scope="module")
def monday(served_hello: ServerDoor) -> ServerDoor:
    """The hello project with a task `monday` that has succeeded."""
    served_hello.run("monday")
    return served_hello


def opened(page: Page) -> None:
    expect(page.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find or run")).to_be_focused()


def test_finding(monday: ServerDoor, visit: Visit) -> None:
    """What is typed is found in assets, tests and tasks, with the place marked, and Enter opens the chosen one."""
    page = visit(monday).open("/logs")
    opened(page)
    page.keyboard.type("worl")
    options = page.get_by_role("listbox", name="Found").get_by_role("option")
    chosen = options.and_(page.get_by_role("option", selected=True))
    expect(chosen).to_have_text("Donedds.worldtable")
    expect(chosen.locator("mark")).to_have_text("worl")
    expect(page.get_by_role("group", name="Tests").get_by_role("option").first).to_contain_text("dds.test_world_")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{monday.address}/assets/dds.world")
    opened(page)
    page.keyboard.type("nothing of the kind")
    expect(page.get_by_role("dialog")).to_contain_text("Nothing matches “nothing of the kind”.")


def test_in_a_new_tab(monday: ServerDoor, visit: Visit) -> None:
    """Ctrl Enter opens the chosen one in a new tab, and the palette stays."""
    page = visit(monday).open("/logs")
    opened(page)
    page.keyboard.type("monday")
    with page.context.expect_page() as other:
        page.keyboard.press("Control+Enter")
    expect(other.value).to_have_url(f"{monday.address}/tasks/monday")
    expect(page.get_by_role("dialog", name="Palette")).to_be_visible()


def test_doing(monday: ServerDoor, visit: Visit) -> None:
    """The palette runs an asset with its upstreams as a new task, which the page then shows."""
    page = visit(monday).open("/?task=monday")
    opened(page)
    page.keyboard.type("dds.world upstream")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text(
        re.compile(r"task_\d{8}_\d{6}_\d{3}.*Done.*2 done")
    )
    expect(page).to_have_title(re.compile(r"^Done · task_\d{8}_\d{6}_\d{3} · hello-world$"))


def test_keys(monday: ServerDoor, visit: Visit) -> None:
    """Each view has its keys, which do nothing behind a dialog; Escape closes it and gives the focus back."""
    page = visit(monday).open("/?task=monday")
    help_button = page.get_by_role("button", name="Help")
    help_button.focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url(f"{monday.address}/?task=monday")
    page.keyboard.press("Escape")
    expect(keys).not_to_be_visible()
    expect(help_button).to_be_focused()
    for key, path in (("t", "/tests"), ("l", "/logs"), ("h", "/history"), ("d", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(f"{monday.address}{path}?task=monday")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(f"{monday.address}/tasks/monday")


def test_keys_behind_a_dialog(monday: ServerDoor, visit: Visit) -> None:
    """While a dialog is open, a key that runs something in the view behind it does nothing; afterwards it runs."""
    page = visit(monday).open("/tests?test=dds.test_world_count")
    started: list[str] = []
    page.on("request", lambda request: started.append(request.url) if request.method == "POST" else None)
    opened(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Run this test")).not_to_have_attribute("aria-disabled", "true")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert started == []
    with page.expect_request(f"{monday.address}/api/tests/execute/dds.test_world_count"):
        page.keyboard.press("r")
