"""`dagscope run` on a project that is being served."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from dagscope.cli import task_stream
from dagscope.cli.dagscope import main
from dagscope.storage.state_folder import StateFolder
from tests.cli.dagscope_command import dagscope, without_times
from tests.cli.plus.canned_server import canned_server, text
from tests.doors import DAGSCOPE, ServerDoor, wait_until
from tests.projects import SLOW_SQL, model, raw, write_project

pytestmark = pytest.mark.server

GATED = {
    model("staging.hello"): "SELECT 1 AS n UNION ALL SELECT 2",
    raw("staging.wait"): """
import pathlib, time

def execute(context):
    while not (pathlib.Path(__file__).parents[3] / "gate").exists():
        time.sleep(0.01)
""",
}


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[ServerDoor]:
    """A server of a project whose second asset waits for a file `gate`."""
    door = ServerDoor(write_project(tmp_path / "project", GATED), post_wait_ms=50)
    yield door
    (door.folder / "gate").touch()
    door.stop()


def start(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """Start the command."""
    command = [DAGSCOPE, "run", "--task-id", "t", *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def waits_at_the_gate(door: ServerDoor) -> bool:
    nodes = door.get("/api/dag/status/t").json().get("nodes", ())
    return [node["state"] for node in nodes] == ["SUCCESS", "IN_PROGRESS"]


def test_run_through_a_server(hello: Path) -> None:
    """On a project that is being served, the server runs the task, and `--json` prints the same document."""
    door = ServerDoor(hello)
    ran = dagscope("run", "--task-id", "t", cwd=hello)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert without_times(ran.stdout).splitlines() == [
        f"Running on the server at {door.address}",
        "[1/2] SUCCESS staging.hello  1  0.0s",
        "[2/2] SUCCESS dds.world  1  0.0s",
        "asset          state    rows   time  tests",
        "staging.hello  SUCCESS     1  0.0s    1/1",
        "dds.world      SUCCESS     1  0.0s    2/2",
        "SUCCESS: 2 of 2 assets, task t",
    ]
    body = json.loads(dagscope("run", "--json", "--task-id", "u", cwd=hello).stdout)
    del body["tasks"]
    assert door.get("/api/dag/status/u").json() == body
    door.stop()


def test_a_selection_through_a_server(hello: Path) -> None:
    """The server runs only the selected assets, and its refusal of a selector is reported."""
    door = ServerDoor(hello)
    dagscope("run", cwd=hello)
    assert dagscope("run", "--select", "world", cwd=hello).stdout.splitlines()[-1].startswith("SUCCESS: 1 of 1 assets")
    refused = dagscope("run", "--select", "worl", cwd=hello)
    assert refused.returncode == 2
    assert refused.stderr == (
        f"the server at {door.address} refused: Invalid request format: field 'select': "
        'there is no asset "worl"; did you mean "dds.world"?\n'
    )
    door.stop()


def test_again(hello: Path) -> None:
    """A task that has ended is run again as a new attempt, and followed to the end of that attempt."""
    door = ServerDoor(hello)
    dagscope("run", "--task-id", "t", cwd=hello)
    assert dagscope("run", "--task-id", "t", cwd=hello).stdout.splitlines()[-1] == "SUCCESS: 2 of 2 assets, task t"
    assert door.get("/api/dag/asset/dds.world/statements?taskId=t").json()["attempt"] == 2
    door.stop()


def test_joining(gated: ServerDoor) -> None:
    """A task that is already running is joined: ended nodes are shown, and the rest is followed."""
    gated.run("t")
    wait_until(lambda: waits_at_the_gate(gated))
    process = start(gated.folder)
    assert process.stdout is not None
    head = [process.stdout.readline() for _ in range(2)]
    assert without_times(head[1]) == "[1/2] SUCCESS staging.hello  0.0s\n"
    (gated.folder / "gate").touch()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines()[-1] == "SUCCESS: 2 of 2 assets, task t"


def test_over_a_killed_server(gated: ServerDoor) -> None:
    """If the server is killed and restarted at another address, the command follows the task to its end there."""
    process = start(gated.folder)
    wait_until(lambda: waits_at_the_gate(gated))
    first = gated.address
    gated.stop(signal.SIGKILL)
    gated.start()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, "")
    # A time of 10 s or more, on a busy machine, makes its column wider.
    assert [" ".join(line.split()) for line in without_times(out).splitlines()] == [
        f"Running on the server at {first}",
        "[1/2] SUCCESS staging.hello 2 0.0s",
        "The server does not answer; trying again for 60 seconds ...",
        "[2/2] FAILED staging.wait 0.0s",
        "interrupted: server restarted",
        "asset state rows time tests",
        "staging.hello SUCCESS 2 0.0s",
        "staging.wait FAILED 0.0s",
        "FAILED: 1 of 2 assets, task t",
    ]


def test_over_a_stopped_server(gated: ServerDoor) -> None:
    """If the server is stopped, it cancels the task, and the command shows that end from the server's answer."""
    gated.stop()
    gated.environment["DAGSCOPE_POST_WAIT_MS"] = "10000"
    gated.start()
    process = start(gated.folder)
    wait_until(lambda: waits_at_the_gate(gated))
    gated.stop()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, "")
    assert out.splitlines()[-1] == "FAILED: 1 of 2 assets, task t"


def test_a_server_that_stays_away(gated: ServerDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the server does not come back, the command says where to see how the task ended, with exit code 2."""
    monkeypatch.setattr(task_stream, "PATIENCE_S", 0.1)

    def kill() -> None:
        wait_until(lambda: waits_at_the_gate(gated))
        gated.process.kill()

    killing = threading.Thread(target=kill)
    killing.start()
    ended = CliRunner().invoke(main, ["run", "--project", str(gated.folder), "--task-id", "t"])
    killing.join()
    assert ended.exit_code == 2
    assert ended.stderr == (
        f"The server at {gated.address} has stopped; "
        "once the server answers again, GET /api/dag/status/t shows how the task ended\n"
    )


def test_ctrl_c_through_a_server(tmp_path: Path) -> None:
    """Ctrl-C cancels the task on the server too."""
    folder = write_project(tmp_path, {model("a.slow"): SLOW_SQL})
    door = ServerDoor(folder, post_wait_ms=50)
    process = subprocess.Popen([DAGSCOPE, "run", "--task-id", "t"], cwd=folder, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: '"state":"IN_PROGRESS"' in door.get("/api/dag/status/t").text)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert door.get("/api/dag/status/t").json()["nodes"][0]["message"] == "cancelled"
    door.stop()


def test_run_through_a_server_with_a_token(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that requires a token receives the environment's, and without it, the refusal is reported."""
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "a-long-enough-token")
    door = ServerDoor(hello)
    assert dagscope("run", "--task-id", "t", cwd=hello).returncode == 0
    monkeypatch.delenv("DAGSCOPE_API_TOKEN")
    refused = dagscope("run", "--task-id", "u", cwd=hello)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"the server at {door.address} refused: ")
    door.stop()


def test_no_proxy(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked directly, because a proxy from the environment would receive the token."""
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "a-long-enough-token")
    monkeypatch.setenv("no_proxy", "")
    door = ServerDoor(hello)
    with canned_server(text("{}", 502)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert dagscope("run", cwd=hello).returncode == 0
    assert proxy.requests == []
    door.stop()


def test_files_that_the_server_has_not_read(hello: Path) -> None:
    """Without `--reload`, the server runs the files as it has read them: those that were saved since are named."""
    door = ServerDoor(hello)
    world = hello / "assets/models/dds/world.sql"
    world.write_text(world.read_text(encoding="utf-8") + "\n-- later\n", encoding="utf-8")
    ran = dagscope("run", "--task-id", "t", cwd=hello)
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[1] == (
        "warning: assets/models/dds/world.sql was saved after the server had read the project, and it runs the earlier "
        "version; restart it, or serve with --reload"
    )
    door.stop()


def test_a_redirect_gets_no_token(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is reported and not followed: its target receives no request, and so no token."""
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "a-long-enough-token")
    with (
        canned_server(text("{}")) as other,
        canned_server(text("", 302, Location=other.url)) as server,
        StateFolder.of_project(hello).owned() as owner,
    ):
        owner.announce(server.url)
        ran = dagscope("run", "--task-id", "t", cwd=hello)
    assert (ran.returncode, ran.stdout) == (2, f"Running on the server at {server.url}\n")
    assert ran.stderr == (
        f"{server.url}/api/events?taskId=t&kinds=task,node,log,run_event redirects to {other.url}, "
        "which is not followed because the token would be sent there; "
        "another program answers at the server's address: stop it, and start the server again\n"
    )
    assert (len(server.requests), other.requests) == (2, [])


def test_no_answer(hello: Path) -> None:
    """If the server does not answer at all, it is named, nothing is run, and the exit code is 2."""
    with StateFolder.of_project(hello).owned() as owner:
        owner.announce("http://127.0.0.1:9")
        ran = dagscope("run", "--task-id", "t", cwd=hello)
    assert ran.returncode == 2
    assert ran.stderr == (
        "Cannot connect to http://127.0.0.1:9/api/events?taskId=t&kinds=task,node,log,run_event: Connection refused; "
        "nothing was run: start the server again, or stop it\n"
    )


def test_a_token_that_http_cannot_carry(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token with a line break is refused without being shown."""
    door = ServerDoor(hello)
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "se\ncret")
    ran = dagscope("run", cwd=hello)
    message = "DAGSCOPE_API_TOKEN contains characters that HTTP does not allow; set it to the server's token\n"
    assert (ran.returncode, ran.stderr) == (2, message)
    door.stop()
