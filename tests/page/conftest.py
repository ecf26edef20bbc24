"""A browser for all tests of the page, a fresh profile for each, and pictures of those that fail."""

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from dagscope.server.page.bundle import BUNDLE
from tests.doors import ServerDoor
from tests.page.chromium import BUILD, FLAGS, find_chromium, install_chromium
from tests.page.shop import shop
from tests.page.visitor import WAIT_MS, Visitor

expect.set_options(timeout=WAIT_MS)

_PICTURES = BUILD / "page"
_failed = pytest.StashKey[bool]()
_no_chromium = ""


class Visit(Protocol):
    """Opens a browser with a fresh profile on a server; options are those of a Playwright context."""

    def __call__(self, door: ServerDoor, **options: Any) -> Visitor: ...


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install Chromium before the first test, whose time limit would be too short for it."""
    global _no_chromium  # noqa: PLW0603 - what the one attempt of this process gave
    is_run = not session.config.option.collectonly
    if is_run and any("chromium" in getattr(item, "fixturenames", ()) for item in session.items):
        _no_chromium = install_chromium()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


@dataclass(frozen=True)
class Chromium:
    """The running browser, and the event loop with which Playwright drives it from this thread."""

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @contextmanager
    def at_hand(self) -> Iterator[Browser]:
        """The browser can be used. Outside of this, the thread has no running loop, and other tests can start one."""
        asyncio._set_running_loop(self.loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Chromium, started once. The page must be built: `make page`."""
    if _no_chromium and not os.environ.get("CI"):
        pytest.skip(_no_chromium)
    assert not _no_chromium, _no_chromium
    assert (BUNDLE / "index.html").exists(), "the page is not built: make page"
    playwright = sync_playwright().start()
    started = Chromium(
        playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS), asyncio.get_running_loop()
    )
    asyncio._set_running_loop(None)
    yield started
    with started.at_hand() as browser:
        browser.close()
        playwright.stop()


@pytest.fixture
def visit(request: pytest.FixtureRequest, chromium: Chromium) -> Iterator[Visit]:
    """Opens browsers and closes them after the test, and saves pictures to build/page/ if it fails."""
    visitors: list[Visitor] = []
    with chromium.at_hand() as browser:

        def start(door: ServerDoor, **options: Any) -> Visitor:
            visitors.append(Visitor(browser, door, **options))
            return visitors[-1]

        yield start
        if request.node.stash.get(_failed, False):
            _PICTURES.mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^\w.-]+", "-", request.node.name)
            for number, visitor in enumerate(visitors):
                visitor.picture(_PICTURES / f"{name}-{number}")
        for visitor in visitors:
            visitor.close()


@pytest.fixture(scope="session")
def served_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """The shop after a task `monday`, in which an asset and a test failed. Tests run nothing in it."""
    server = ServerDoor(shop(tmp_path_factory.mktemp("served")))
    server.run("monday")
    yield server
    server.stop()
