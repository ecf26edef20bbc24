"""The DAG view: the graph, its list, its keys, and what is in its URL."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import model, raw, write_project

WIDE = {"width": 1440, "height": 900}

FILES = {
    model("a.source"): "SELECT 1 AS n",
    model("a.other"): "SELECT 1 AS n",
    model("b.one"): 'SELECT n FROM {{ Ref("a.source") }}',
    model("b.two"): "SELECT 1 / n AS n FROM {{ Ref(\"a.source\") }} WHERE error('no') IS NULL",
    model("c.last"): 'SELECT n FROM {{ Ref("b.two") }}',
}
"""Four assets on a line and one beside it; `b.two` fails, and `c.last` is skipped."""


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """A server of FILES, on which the task `monday` has failed."""
    door = ServerDoor(write_project(tmp_path_factory.mktemp("failing"), FILES))
    door.run("monday")
    yield door
    door.stop()


def node(page: Page, name: str) -> Locator:
    return page.locator(f'[data-node="{name}"]')


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_states(failing: ServerDoor, visit: Visit) -> None:
    """Each node says in words how its asset stands, and each stage and each chip counts them."""
    page = visit(failing, viewport=WIDE).open("/")
    expect(node(page, "a.source")).to_contain_text("Done")
    expect(node(page, "b.two")).to_contain_text("Failed")
    expect(node(page, "c.last")).to_contain_text("Skipped")
    expect(page.locator(".stagehead").filter(has_text="b")).to_contain_text("1 failed")
    expect(page.get_by_role("toolbar").get_by_role("button", name=re.compile("Done"))).to_have_text(re.compile("3"))


def test_keys(failing: ServerDoor, visit: Visit) -> None:
    """The arrows lead along edges and within columns, Enter opens an asset, and Escape closes it."""
    page = visit(failing, viewport=WIDE).open("/")
    node(page, "a.source").focus()
    for key, name in (
        ("ArrowRight", "b.two"),
        ("ArrowUp", "b.one"),
        ("ArrowDown", "b.two"),
        ("ArrowRight", "c.last"),
        ("ArrowLeft", "b.two"),
    ):
        page.keyboard.press(key)
        expect(node(page, name)).to_be_focused()
    page.keyboard.press("Enter")
    assert asked(page) == {"asset": ["b.two"]}
    expect(node(page, "b.two")).to_have_attribute("aria-current", "true")
    page.keyboard.press("ArrowRight")
    expect(node(page, "c.last")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Escape")
    expect(node(page, "c.last")).not_to_have_attribute("aria-current", "true")
    assert asked(page) == {}


def test_one_tab_stop(failing: ServerDoor, visit: Visit) -> None:
    """The graph is one stop of the Tab key, whatever its size."""
    page = visit(failing, viewport=WIDE).open("/")
    expect(node(page, "a.source")).to_be_visible()
    assert page.locator(".node[tabindex='0']").count() == 1


def test_unknown_task(failing: ServerDoor, visit: Visit) -> None:
    """A task that does not exist has no states: the page says so and leads to the newest one."""
    visitor = visit(failing, viewport=WIDE)
    visitor.expect_faults("status of 404")
    page = visitor.open("/?task=nope")
    tools = page.get_by_role("toolbar", name="Graph")
    expect(tools).to_contain_text('There is no task "nope".')
    expect(node(page, "b.two")).to_contain_text("Not known")
    tools.get_by_role("link", name="Show the newest task").click()
    expect(node(page, "b.two")).to_contain_text("Failed")


def test_run_from_the_graph(tmp_path: Path, serve: Serve, visit: Visit) -> None:
    """`r` runs the focused asset alone, which alone then has a state, Shift R with its downstreams; no node moves."""
    visitor = visit(serve(write_project(tmp_path, FILES)), viewport=WIDE)
    visitor.expect_faults("status of 500")  # how the API answers a run that failed
    page = visitor.open("/")
    page.get_by_role("button", name=re.compile("Run all 5 assets")).click()
    expect(node(page, "b.two")).to_contain_text("Failed")
    expect(page.get_by_role("region", name="Task")).to_contain_text("3 done")
    before = node(page, "a.source").bounding_box()
    node(page, "a.source").focus()
    page.keyboard.press("r")
    expect(page.get_by_role("region", name="Task")).to_contain_text("1 done")
    expect(node(page, "b.two")).to_contain_text("Not in task")
    expect(page.get_by_role("toolbar")).to_contain_text("4 not in task")
    expect(page.locator(".stagehead").filter(has_text="b")).to_contain_text("2 not in task")
    page.keyboard.press("Shift+R")
    expect(page.get_by_role("region", name="Task")).to_contain_text("2 done · 1 failed · 1 skipped")
    expect(page.get_by_role("region", name="Task")).to_contain_text("3 tasks")
    assert node(page, "a.source").bounding_box() == before


def test_only_a_test_of_the_whole_project_fails(tmp_path: Path, serve: Serve, visit: Visit) -> None:
    """The task bar says which test it was and what it found, and offers a retry, though no asset failed."""
    files = {model("a.one"): "SELECT 1 AS n", "assets/tests/test_all.sql": 'SELECT * FROM {{ Ref("a.one") }}'}
    server = serve(write_project(tmp_path, files))
    server.run("monday")
    bar = visit(server, viewport=WIDE).open("/").get_by_role("region", name="Task")
    expect(bar).to_contain_text("1 done · 1 test failed")
    expect(bar.get_by_role("link", name="First failure: root.test_all, 1 row")).to_be_visible()
    expect(bar.get_by_role("button", name="Retry")).to_be_visible()


def test_collapsed_stage(failing: ServerDoor, visit: Visit) -> None:
    """A stage is collapsed to one node that counts its assets, the URL says so, and Back shows them again."""
    page = visit(failing, viewport=WIDE).open("/")
    page.get_by_role("button", name="b", exact=True).click()
    expect(node(page, "b")).to_have_text(re.compile("2 assets.*1 failed · 1 done"))
    assert asked(page) == {"collapsed": ["b"]}
    expect(node(page, "b.one")).to_have_count(0)
    page.reload()
    expect(node(page, "b")).to_be_visible()
    page.go_back()
    expect(node(page, "b.one")).to_be_visible()


def test_filter(failing: ServerDoor, visit: Visit) -> None:
    """A state's chip dims all others in the graph and hides them in the list, which counts them; Escape ends it."""
    page = visit(failing, viewport=WIDE).open("/")
    page.get_by_role("toolbar").get_by_role("button", name=re.compile("Failed")).click()
    assert asked(page) == {"state": ["failed"]}
    expect(node(page, "a.source")).to_have_class(re.compile(r"\bdim\b"))
    expect(node(page, "b.two")).not_to_have_class(re.compile(r"\bdim\b"))
    page.get_by_role("button", name="List").click()
    expect(page.get_by_text("4 hidden by filters")).to_be_visible()
    assert page.locator("[data-row]").evaluate_all("rows => rows.map(row => row.dataset.row)") == ["stage b", "b.two"]
    page.keyboard.press("Escape")
    assert asked(page) == {"view": ["list"]}


def test_focus(failing: ServerDoor, visit: Visit) -> None:
    """Focus shows only what is so many edges away from the selected asset."""
    page = visit(failing, viewport=WIDE).open("/?asset=c.last&focus=1")
    expect(page.locator(".node")).to_have_count(2)
    page.get_by_role("button", name="More steps").click()
    expect(page.locator(".node")).to_have_count(3)
    assert asked(page) == {"asset": ["c.last"], "focus": ["2"]}
    page.get_by_role("button", name="Focus ±2").click()
    expect(page.locator(".node")).to_have_count(5)


def test_list(failing: ServerDoor, visit: Visit) -> None:
    """The list has the same assets by stage, and its keys walk, open and collapse."""
    page = visit(failing, viewport=WIDE).open("/?view=list")
    grid = page.get_by_role("treegrid", name="Assets")
    rows = "rows => rows.map(row => row.dataset.row)"
    expect(grid.locator("[data-row]")).to_have_count(8)
    shown = grid.locator("[data-row]").evaluate_all(rows)
    assert sorted(name for name in shown if "." in name) == ["a.other", "a.source", "b.one", "b.two", "c.last"]
    grid.locator("[data-row='stage b']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert asked(page)["asset"][0] in ("b.one", "b.two")
    page.keyboard.press("ArrowLeft")
    expect(grid.locator("[data-row='stage b']")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(grid.locator("[data-row]")).to_have_count(6)
    assert asked(page)["collapsed"] == ["b"]


def test_zoom(failing: ServerDoor, visit: Visit) -> None:
    """Far away, nodes are drawn instead of being buttons, and a click where one is drawn opens it; f shows all."""
    page = visit(failing, viewport=WIDE).open("/")
    expect(node(page, "a.source")).to_be_visible()
    for _ in range(3):
        page.get_by_role("button", name="Zoom out").click()
    expect(page.locator(".node")).to_have_count(1)
    box = page.locator(".graph").bounding_box()
    assert box is not None
    zoom = 1 / 1.25**3
    center = (box["width"] / 2, box["height"] / 2)
    at = (center[0] + (60 - center[0]) * zoom, center[1] + (80 - center[1]) * zoom)
    page.mouse.click(box["x"] + at[0], box["y"] + at[1])
    expect(page).to_have_url(re.compile(r"asset=a\.\w+"))
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator(".node")).to_have_count(5)


def test_drag(failing: ServerDoor, visit: Visit) -> None:
    """Dragging moves the graph, and opens nothing, even if it starts on a node."""
    page = visit(failing, viewport=WIDE).open("/")
    expect(node(page, "c.last")).to_be_visible()
    before = node(page, "c.last").bounding_box()
    assert before is not None
    page.mouse.move(before["x"] + 20, before["y"] + 20)
    page.mouse.down()
    page.mouse.move(before["x"] + 120, before["y"] + 70, steps=5)
    page.mouse.up()
    after = node(page, "c.last").bounding_box()
    assert after is not None
    assert (round(after["x"] - before["x"]), round(after["y"] - before["y"])) == (100, 50)
    assert asked(page) == {}


def test_svg(failing: ServerDoor, visit: Visit) -> None:
    """The graph is saved as an SVG file with the names and states of all assets."""
    page = visit(failing, viewport=WIDE).open("/")
    expect(node(page, "a.source")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="SVG").click()
    text = saved.value.path().read_text(encoding="utf-8")
    assert saved.value.suggested_filename == "small-dag.svg"
    assert sorted(re.findall("<title>(.*?)</title>", text)) == ["a.other", "a.source", "b.one", "b.two", "c.last"]
    assert text.count(">Done<") == 3


def test_stale(tmp_path: Path, serve: Serve, visit: Visit) -> None:
    """When the server is gone, a running node stops ticking and does not look as if it still ran."""
    files = {raw("s.slow"): "import time\n\ndef execute(context):\n    time.sleep(60)\n"}
    files["profile.yaml"] = (
        "version: 1.0.0\nname: small\nconnection: duck\nmodels:\n  stages:\n"
        "    - name: s\n      models:\n        - name: slow\n          materialization: raw\n"
    )
    server = serve(write_project(tmp_path, files), post_wait_ms=10)
    server.run("monday")
    visitor = visit(server, viewport=WIDE)
    visitor.expect_faults("Failed to load resource: net::ERR_")
    page = visitor.open("/")
    expect(node(page, "s.slow")).to_contain_text("Running")
    server.stop(signal.SIGKILL)
    expect(page.locator(".graph")).to_have_class(re.compile(r"\bstale\b"))
    assert node(page, "s.slow").evaluate("node => getComputedStyle(node).borderTopStyle") == "dotted"
    shown = node(page, "s.slow").inner_text()
    page.wait_for_timeout(300)
    assert node(page, "s.slow").inner_text() == shown
