"""`dagscope run --break-at`, on a terminal."""

import signal
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.cli.terminal import Terminal
from tests.doors import Serve, wait_until
from tests.projects import model, write_project

pytestmark = pytest.mark.server

FILES = {
    model("a.rows"): "SELECT range AS id FROM range(3)",
    model("b.even"): "SELECT id FROM {{ Ref('a.rows') }} WHERE id % 2 = 0",
}
AFTER = "[c]ontinue, run it [a]gain with the files as they are now, [s]kip, s[t]op: "
PROBLEM = 'assets/models/a/rows.sql:1: unknown asset "a.row"; did you mean "a.rows"?'
BEFORE = "[c]ontinue, [s]kip it, s[t]op: "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path, FILES)


def test_again(folder: Path) -> None:
    """The run holds and says where; files with problems are not used, and fixed ones are when the asset runs again."""
    rows = folder / model("a.rows")
    with Terminal("run", "--project", str(folder), "--break-at", "a.rows:rows > 1", "--task-id", "t") as terminal:
        assert terminal.until(AFTER)[-2:] == ["Holding after a.rows (rows > 1): SUCCESS, 3 rows", AFTER]
        terminal.type("what")
        assert terminal.until(AFTER) == ["what", AFTER]
        rows.write_text("SELECT {{ Ref('a.row') }}")
        terminal.type("a")
        assert terminal.until(AFTER)[1:] == [PROBLEM, AFTER]
        rows.write_text("SELECT 7 AS id FROM {{ Ref('b.even') }} WHERE 1 = 0")
        (folder / model("b.even")).write_text("SELECT 1 AS id")
        terminal.type("a")
        changed = "assets or references have changed since the task started; undo that, or cancel it and run again"
        assert terminal.until(AFTER)[1:] == [changed, AFTER]
        rows.write_text("SELECT 7 AS id")
        (folder / model("b.even")).write_text("SELECT id FROM {{ Ref('a.rows') }} WHERE id = 7")
        terminal.type("a")
        terminal.until("SUCCESS: 2 of 2 assets in ")
        assert terminal.code() == 0


def test_answers(folder: Path) -> None:
    """An asset can be skipped, the run can be stopped, and Ctrl-C ends it at once while it holds."""
    run = ("run", "--project", str(folder), "--break-at", "a.rows", "--break-at", "b.even:before")
    with Terminal(*run) as terminal:
        terminal.until(AFTER)
        terminal.type("C")
        assert terminal.until(BEFORE)[-2:] == ["Holding before b.even", BEFORE]
        terminal.type("s")
        terminal.until("skipped: at a breakpoint")
        assert terminal.code() == 1
    with Terminal(*run) as terminal:
        terminal.until(AFTER)
        terminal.type("t")
        terminal.until("FAILED: 1 of 2 assets in ")
        assert terminal.code() == 1
    with Terminal(*run) as terminal:
        terminal.until(AFTER)
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("FAILED: 1 of 2 assets in ")
        assert terminal.code() == 130


def test_on_a_server(folder: Path, serve: Serve) -> None:
    """On a served project, the server holds the task; it can be continued there too, and what it refuses is printed."""
    door = serve(folder, "--reload")
    run = ("run", "--project", str(folder), "--task-id", "t", "--break-at", "a.rows", "--break-at", "b.even")
    with Terminal(*run) as terminal:
        assert terminal.until(AFTER)[-2:] == ["Holding after a.rows: SUCCESS, 3 rows", AFTER]
        (folder / model("a.rows")).write_text("SELECT {{ Ref('a.row') }}")
        terminal.type("a")
        refused = f"the server at {door.address} refused: The project cannot be loaded: {PROBLEM}"
        assert terminal.until(AFTER)[1:] == [refused, AFTER]
        (folder / model("a.rows")).write_text("SELECT 2 AS id")
        terminal.type("a")
        assert terminal.until(AFTER)[-2:] == ["Holding after a.rows: SUCCESS, 1 row", AFTER]
        assert door.post("/api/dag/continue/t").status_code == 202
        assert terminal.until(AFTER)[-2:] == ["Holding after b.even: SUCCESS, 1 row", AFTER]
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("FAILED: 2 of 2 assets, task t")
        assert terminal.code() == 130
    wait_until(lambda: door.get("/api/dag/status/t").json()["status"] == "FAILED")


def test_what_is_refused(folder: Path) -> None:
    """Without a terminal, with `--json`, and at what is no asset, nothing runs, and the reason is printed."""
    no_terminal = (
        "--break-at asks on a terminal how to continue; without one, start `dagscope serve` and send "
        'POST /api/dag/run with "breakpoints", then POST /api/dag/continue/{taskId}\n'
    )
    as_json = "--break-at asks how to continue, and --json prints nothing else than the status; leave one of them out\n"
    for arguments, message in (((), no_terminal), (("--json",), as_json)):
        refused = dagscope_here("run", "--project", str(folder), "--break-at", "a.rows", *arguments)
        assert (refused.exit_code, refused.stdout, refused.stderr) == (2, "", message)
    with Terminal("run", "--project", str(folder), "--break-at", "a.row") as terminal:
        terminal.until('--break-at: there is no asset "a.row"')
        assert terminal.code() == 2
