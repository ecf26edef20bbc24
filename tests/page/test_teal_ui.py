"""Teal's own UI in a real browser, unmodified (docs/teal.md).

It is not a part of dagscope: the variable TEAL_UI names the folder of its built files.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dag.run.task_run import data_test
from tests.doors import Serve, ServerDoor
from tests.page.conftest import Visit
from tests.projects import block, model, raw, write_files

UI = os.environ.get("TEAL_UI", "")
pytestmark = pytest.mark.skipif(not UI, reason="TEAL_UI does not name the folder of Teal's UI")

WAITING = """\
import time
from pathlib import Path

def execute(context):
    while not Path("go").exists():
        time.sleep(0.05)
"""
FILES = {
    model("dds.world"): block("tests: [{name: test_world_count}]")
    + 'SELECT greeting, -1 AS count, 9223372036854775807 AS big FROM {{ Ref("staging.hello") }}',
    model("mart.many"): block("is_data_framed: true") + "SELECT range AS id, 'row ' || range AS text FROM range(35)",
    raw("mart.slow"): WAITING,
    data_test("root.test_many"): 'SELECT * FROM {{ Ref("mart.many") }} WHERE id < 0',
    "docs/README.md": "# All about greetings",
}


@pytest.fixture
def server(hello: Path, serve: Serve) -> ServerDoor:
    """The hello project with an asset that ends once there is a file `go`, and with a test that fails."""
    write_files(hello, FILES)
    (hello / "README.md").unlink()
    return serve(hello, "--dialect", "teal-v1", "--teal-ui", UI)


@pytest.fixture
def ui(server: ServerDoor, visit: Visit) -> Page:
    """The UI, connected to the server. It asks localhost:8080 until a person names another host."""
    visitor = visit(server, viewport={"width": 1600, "height": 1000})
    visitor.expect_faults("localhost:8080|ERR_FAILED|Failed to fetch")
    visitor.context.route("http://localhost:8080/**", lambda route: route.abort())
    page = visitor.open()
    page.get_by_placeholder("localhost:8080").fill(server.address.removeprefix("http://"))
    page.get_by_role("button", name="Load").click()
    page.get_by_role("button", name="Reconnect").click()
    expect(page.get_by_text("(1)", exact=True)).to_be_visible()
    return page


def go(server: ServerDoor) -> None:
    """Let the slow asset end."""
    (server.folder / "go").touch()


def select(page: Page, asset: str) -> None:
    """Show the details of an asset."""
    page.locator(f'button[title="{asset}"]').click()
    hidden, details = page.get_by_title("Show Asset Details"), page.get_by_title("Run Select Query")
    expect(hidden.or_(details).first).to_be_visible()
    if hidden.is_visible():
        hidden.click()
    expect(details).to_be_visible()


def confirm(page: Page, action: str, word: str) -> None:
    page.get_by_title(action, exact=True).click()
    page.get_by_role("dialog").get_by_text(word, exact=True).click()


def test_a_run_is_watched(server: ServerDoor, ui: Page) -> None:
    """A run that outlasts its POST is watched to its end; then the logs of the task and of an asset are there."""
    with ui.expect_response(lambda answer: answer.url.endswith("/api/dag/run"), timeout=30_000) as answer:
        ui.get_by_role("button", name="Run DAG").click()
    assert answer.value.status == 202
    expect(ui.get_by_text("IN_PROGRESS")).to_be_visible()
    go(server)
    expect(ui.get_by_text("TESTS_FAILED")).to_be_visible()
    expect(ui.get_by_text("Test dds.test_world_count failed: 1 row").first).to_be_visible()
    select(ui, "mart.many")
    ui.get_by_role("button", name="Node: many").click()
    expect(ui.get_by_text("Asset materialized: mart.many (35 rows)")).to_be_visible()
    expect(ui.get_by_text("Asset materialized: dds.world (1 row)")).to_have_count(0)


def test_the_rows_of_an_asset(server: ServerDoor, ui: Page) -> None:
    """The rows of a query and of a table are shown page by page, after a mutate, a truncate and a drop too."""
    select(ui, "mart.many")
    ui.get_by_title("Run Select Query").click()
    rows = ui.locator("tbody tr")
    expect(rows).to_have_count(10)
    rows.last.scroll_into_view_if_needed()
    rows.last.hover()
    ui.mouse.wheel(0, 5_000)
    expect(rows.nth(19)).to_contain_text("row 19")
    confirm(ui, "Run Mutation", "Execute Mutation")
    expect(ui.get_by_text("Mutation executed successfully.")).to_be_visible()
    ui.get_by_title("Data Preview (read table contents)").click()
    expect(ui.get_by_text("(35 rows)").first).to_be_visible()
    confirm(ui, "Truncate Table", "Truncate")
    ui.get_by_title("Data Preview (read table contents)").click()
    expect(ui.get_by_text("Table is empty — 0 records")).to_be_visible()
    confirm(ui, "Delete Persisted Data", "Delete Data")
    ui.get_by_title("Data Preview (read table contents)").click()
    expect(ui.get_by_text("Catalog Error: Table with name many does not exist!")).to_be_visible()


def test_a_failing_test(server: ServerDoor, ui: Page) -> None:
    """A failing test that is run alone shows its rows, with all digits that the UI can show, and its log."""
    go(server)
    ui.get_by_role("button", name="Run DAG").click()
    expect(ui.get_by_text("TESTS_FAILED")).to_be_visible()
    ui.get_by_role("link", name="Tests").click()
    ui.get_by_role("button", name="test_world_count").click()
    ui.get_by_role("button", name="Run test query").click()
    expect(ui.get_by_text("Test found 1 violation(s)")).to_be_visible()
    expect(ui.locator("tbody tr").first).to_contain_text("Hello")
    ui.get_by_text("Logs", exact=True).click()
    expect(ui.get_by_text("Test dds.test_world_count failed: 1 row").first).to_be_visible()


def test_the_project(ui: Page) -> None:
    """The project page shows the README of the project's docs."""
    ui.get_by_role("link", name="Project").click()
    expect(ui.get_by_role("heading", name="All about greetings")).to_be_visible()


def test_an_address_of_the_ui(server: ServerDoor, visit: Visit) -> None:
    """The address of a view opens it."""
    visitor = visit(server)
    visitor.expect_faults("localhost:8080|ERR_FAILED|Failed to fetch")
    visitor.context.route("http://localhost:8080/**", lambda route: route.abort())
    expect(visitor.open("/tests").get_by_text("No Test Selected")).to_be_visible()
