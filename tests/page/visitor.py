"""A person with a browser: opens pages of a server, and notices what no page may ever do."""

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, expect

from tests.doors import ServerDoor

WAIT_MS = 20_000  # the machine can be busy
_CHECK_MS = 50
_QUIET_CHECKS = 4
expect.set_options(timeout=WAIT_MS)
_LOCAL = ("data", "blob")
_ENDLESS = ("/api/events", "/static/worker-")  # of these, Playwright reports no end


class Visitor:
    """Opens tabs on one server, in a fresh profile. `close` fails if one asked another server, or reported an error."""

    def __init__(self, browser: Browser, door: ServerDoor, **options: Any) -> None:
        self.door = door
        self.faults: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        self._pending: set[Request] = set()
        self.context: BrowserContext = browser.new_context(base_url=door.address, **options)
        self.context.set_default_timeout(WAIT_MS)
        self.context.on("request", self._note_request)
        self.context.on("requestfinished", self._note_end)
        self.context.on("requestfailed", self._note_end)
        self.context.on("console", self._note_console)
        self.context.on("weberror", self._note_error)

    def open(self, path: str = "/") -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.goto(path)
        return page

    def open_fully(self, path: str = "/") -> Page:
        """A new tab, once the view in it has asked for all that it shows and has shown it."""
        self._pending.clear()  # a closed tab's requests are never reported as ended
        page = self.open(path)
        expect(page.get_by_role("main")).to_be_visible()
        quiet, until = 0, time.monotonic() + WAIT_MS / 1_000
        while quiet < _QUIET_CHECKS:  # what has arrived can lead to the next request
            assert time.monotonic() < until, f"still waits for {[request.url for request in self._pending]}"
            page.wait_for_timeout(_CHECK_MS)
            quiet = 0 if self._pending else quiet + 1
        assert page.get_by_role("main").inner_text().strip(), "the view shows nothing"
        return page

    def expect_faults(self, pattern: str) -> None:
        """Errors on the console that match are part of the test: the server is stopped in it, for example."""
        self._expected.append(re.compile(pattern))

    def picture(self, file: Path) -> None:
        """Save a picture of each tab."""
        for number, page in enumerate(self.context.pages):
            page.screenshot(path=file.with_name(f"{file.name}-{number}.png"))

    def close(self) -> None:
        self.context.close()
        unexpected = [fault for fault in self.faults if not any(known.search(fault) for known in self._expected)]
        assert not unexpected, "\n".join(unexpected)

    def _note_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if not url.path.startswith(_ENDLESS):
            self._pending.add(request)
        if url.scheme not in _LOCAL and f"{url.scheme}://{url.netloc}" != self.door.address:
            self.faults.append(f"request to {request.url}")

    def _note_end(self, request: Request) -> None:
        self._pending.discard(request)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.faults.append(f"console: {message.text} ({message.location['url']})")

    def _note_error(self, error: WebError) -> None:
        self.faults.append(f"uncaught: {error.error}")
