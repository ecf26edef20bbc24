"""What is around every view: addresses, the theme, and how live the page is."""

import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.doors import Serve, ServerDoor, free_port
from tests.page.conftest import Visit
from tests.page.views import VIEWS


@pytest.fixture(scope="module")
def monday(served_hello: ServerDoor) -> ServerDoor:
    """The hello project with a task `monday` that has succeeded."""
    served_hello.run("monday")
    return served_hello


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_has_an_address(monday: ServerDoor, visit: Visit, view: str) -> None:
    """Each view opens from its address."""
    page = visit(monday).open(VIEWS[view])
    expect(page.get_by_role("link", name="hello-world dagscope")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text("monday")


def test_back(monday: ServerDoor, visit: Visit) -> None:
    """Links between views need no load of the document, Back undoes each, and a reload shows the same view."""
    page = visit(monday).open("/")
    page.evaluate("window.isSameDocument = true")
    views = page.get_by_role("navigation", name="Views")
    for name, path in (("Tests", "/tests"), ("Logs", "/logs"), ("History", "/history")):
        views.get_by_role("link", name=name).click()
        expect(page).to_have_url(f"{monday.address}{path}")
    for path in ("/logs", "/tests", "/"):
        page.go_back()
        expect(page).to_have_url(f"{monday.address}{path}")
    assert page.evaluate("window.isSameDocument")
    page.go_forward()
    page.reload()
    expect(views.get_by_role("link", name="Tests")).to_have_attribute("aria-current", "page")


def test_theme(monday: ServerDoor, visit: Visit) -> None:
    """The page has the system's theme until one is chosen, which every later tab has from the start."""
    visitor = visit(monday, color_scheme="dark")
    page = visitor.open()
    dark = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(dark)
    page.get_by_role("radiogroup", name="Theme").get_by_text("Light").locator("..").click()
    assert page.evaluate(dark) != before
    assert visitor.open().evaluate(dark) != before


def test_the_server_goes_away(hello: Path, serve: Serve, visit: Visit) -> None:
    """If the server is killed, the page says at once that it is offline, and that it is live as soon as it is back."""
    server = serve(hello, "--port", str(free_port()))
    visitor = visit(server)
    visitor.expect_faults("Failed to load resource: net::ERR_")
    page = visitor.open()
    live = page.get_by_role("banner").get_by_role("status")
    expect(live).to_have_text("Live")
    server.stop(signal.SIGKILL)
    expect(live).to_have_text(re.compile("Offline"))
    server.start()
    expect(live).to_have_text("Live")
