"""Writes the pictures of the page in docs/screenshots/, from real runs of nycflights: `make screenshots`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.doors import ServerDoor
from tests.page.chromium import FLAGS, find_chromium, install_chromium
from tests.page.visitor import Visitor
from tests.projects import copy_example

Theme = Literal["light", "dark"]

PICTURES: Final = Path(__file__).parent / "screenshots"
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
SIZE: Final[ViewportSize] = {"width": 1440, "height": 900}
VIEWS: Final = {
    "dag": "/?asset=staging.weather",
    "task": "/tasks/{task}",
    "asset": "/assets/dds.fct_flight",
    "data": "/assets/dds.fct_flight?tab=data&sort=-dep_delay_min",
    "tests": "/tests?test=staging.test_weather_wind_plausible",
    "logs": "/logs",
    "history": "/history",
    "compare": "/compare",
}
"""The path of each picture's view. Those without a task are as of the newest."""

_GREEN = {"monday": {"through": "2013-06-30"}, "tuesday": {}, "wednesday": {}}
_RED = "thursday"


def main() -> None:
    """Run the tasks, and take a picture of each view in each theme."""
    fault = install_chromium()
    if fault:
        sys.exit(fault)
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = _server_with_tasks(Path(folder))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for theme in THEMES:
            _take(browser, server, theme)
        browser.close()
        server.stop()


def _server_with_tasks(folder: Path) -> ServerDoor:
    """A server of nycflights: three tasks succeeded, then the wind was converted to km/h twice, and a test failed."""
    project = copy_example("nycflights", folder)
    server = ServerDoor(project)
    for task, data in _GREEN.items():
        server.run(task, data=data)
    server.stop()
    weather = project / "assets/models/staging/weather.sql"
    sql = weather.read_text(encoding="utf-8")
    weather.write_text(sql.replace("THEN wind_speed\n", "THEN wind_speed * 1.609344 * 1.609344\n"), encoding="utf-8")
    server.start()
    server.run(_RED)
    return server


def _take(browser: Browser, server: ServerDoor, theme: Theme) -> None:
    visitor = Visitor(browser, server, viewport=SIZE, color_scheme=theme, reduced_motion="reduce")
    for name, path in VIEWS.items():
        page = visitor.open_fully(path.format(task=_RED))
        page.screenshot(path=PICTURES / f"{name}-{theme}.png")
        page.close()
    visitor.close()


if __name__ == "__main__":
    main()
