"""The graph in the page: its layout, and a real Chromium that shows it while states change.

The states come from a task of raw assets that do nothing for some time, so that about 250 change a second. The browser
pans by itself, a little in each frame. What it measures is the mean time of a frame.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import sleep

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.figures import Figure
from benchmarks.generated import drawn_graph, graph_project
from benchmarks.servers import Server, serving
from benchmarks.timing import median_seconds
from dagscope.dag.model.graph import Graph
from dagscope.server.page.bundle import BUNDLE
from dagscope.server.page.graph_layout import layout_of
from tests.page.chromium import FLAGS, find_chromium

_LAYOUT_GOALS_MS = {1_000: 30, 5_000: 250}
_READY_GOALS_S = {1_000: 1, 5_000: 2}
_FRAME_GOAL_MS = 1_000 / 40
_WORK_S = 0.028  # of an asset, four of which run at the same time
_PAN_S = 8
_VISITS = 3
_VIEW = ViewportSize(width=1440, height=900)
_PROFILE_BYTES = 1 << 23

_DRAWN = """async () => {
  const drawn = () => performance.getEntriesByName("graph drawn")[0];
  while (!drawn()) await new Promise(requestAnimationFrame);
  return drawn().startTime;
}"""

_PAN = """async (seconds) => {
  const graph = document.querySelector(".graph");
  graph.setPointerCapture = () => {}; // the pointer of these events is none of the system's
  const box = graph.getBoundingClientRect();
  const at = { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  const send = (kind) =>
    graph.dispatchEvent(new PointerEvent(kind, { bubbles: true, pointerId: 1, clientX: at.x, clientY: at.y }));
  send("pointerdown");
  const started = performance.now();
  let frames = 0;
  while (performance.now() < started + seconds * 1000) {
    await new Promise(requestAnimationFrame);
    frames += 1;
    at.x += 10 * Math.cos(frames / 40);
    at.y += 7 * Math.sin(frames / 57);
    send("pointermove");
  }
  send("pointerup");
  return (performance.now() - started) / frames;
}"""


@dataclass(frozen=True)
class Panned:
    """The mean time of a frame, and how many states changed a second meanwhile."""

    frame_ms: float
    changes_a_second: float


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    """Raises `AssertionError` if the page is not built or there is no Chromium."""
    assert (BUNDLE / "index.html").exists(), "the page is not built: make page"
    chromium = find_chromium()
    assert chromium, "Chromium is not installed"
    graphs = {count: drawn_graph(count // divisor, 2 * count // divisor) for count in _LAYOUT_GOALS_MS}
    for count, graph in graphs.items():
        yield _layout(graph, _LAYOUT_GOALS_MS[count])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for count, graph in graphs.items():
            yield from _page(browser, folder / f"graph_{count}", graph, _READY_GOALS_S[count])
        for name, graph in (("chain", _chain(500 // divisor)), ("layer", _layer(1_000 // divisor))):
            with _served(folder / name, graph) as server:
                yield _ready(browser, server, f"{len(graph.upstreams):,} assets in a {name}", 1)
        browser.close()


def _layout(graph: Graph, goal_ms: float) -> Figure:
    stages = {name: name.split(".")[0] for name in graph.upstreams}
    (taken,) = median_seconds(5, lambda: layout_of(graph, stages))
    return Figure(f"layout of {_size(graph)}", taken * 1_000, "ms", goal=goal_ms, note="in the server, once a graph")


def _page(browser: Browser, folder: Path, graph: Graph, goal_s: float) -> Iterator[Figure]:
    with _served(folder, graph) as server:
        yield _ready(browser, server, _size(graph), goal_s)
        for far in (True, False):
            panned = _panned(browser, server, far)
            note = f"{1_000 / panned.frame_ms:.0f} frames and {panned.changes_a_second:.0f} changes of states a second"
            what = f"frame while panning {_size(graph)}, {'all in view' if far else 'large enough to read'}"
            yield Figure(what, panned.frame_ms, "ms", goal=_FRAME_GOAL_MS, note=note)


def _served(folder: Path, graph: Graph) -> AbstractContextManager[Server]:
    return serving(graph_project(folder, graph, _WORK_S), load_file_limit_bytes=_PROFILE_BYTES, post_wait_ms=1)


def _ready(browser: Browser, server: Server, what: str, goal_s: float) -> Figure:
    """How long the page takes from its address to the first drawing, in browsers with nothing in their cache."""
    taken = []
    for _ in range(_VISITS):
        page = _opened(browser, server)
        taken.append(page.evaluate(_DRAWN) / 1_000)
        page.context.close()
    return Figure(f"page with {what}, to its first drawing", median(taken), "s", goal=goal_s, note="empty cache")


def _panned(browser: Browser, server: Server, far: bool) -> Panned:
    page = _opened(browser, server)
    page.evaluate(_DRAWN)
    if not far:
        _zoom_in(page)
    task = "far" if far else "near"
    with server.client() as client:
        client.start(task)
    sleep(2)
    before = _ended(server, task)
    frame_ms = page.evaluate(_PAN, _PAN_S)
    ended = _ended(server, task) - before
    with server.client() as client:
        client.cancel(task)
    page.context.close()
    return Panned(frame_ms, 2 * ended / _PAN_S)  # a node starts and ends


def _opened(browser: Browser, server: Server) -> Page:
    page = browser.new_context(viewport=_VIEW).new_page()
    page.goto(server.address)
    return page


def _zoom_in(page: Page) -> None:
    page.mouse.move(_VIEW["width"] / 2, _VIEW["height"] / 2)
    while page.locator(".node").count() < 2:
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(50)


def _ended(server: Server, task: str) -> int:
    with server.client() as client:
        completed: int = json.loads(client.get(f"/api/dag/status/{task}"))["completedAssets"]
    return completed


def _size(graph: Graph) -> str:
    edges = sum(map(len, graph.upstreams.values()))
    return f"{len(graph.upstreams):,} assets and {edges:,} edges"


def _chain(length: int) -> Graph:
    names = [f"stage.model_{number:05}" for number in range(length)]
    return Graph({name: tuple(names[max(0, number - 1) : number]) for number, name in enumerate(names)})


def _layer(width: int) -> Graph:
    return Graph({f"stage.model_{number:05}": () for number in range(width)})
