"""`dagscope run` as a user types it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope, dagscope_here, without_times
from tests.doors import DAGSCOPE, ServerDoor, wait_until
from tests.projects import SLOW_SQL, block, model, raw, write_project

pytestmark = pytest.mark.server


NO_KEY = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"


def test_run(hello: Path) -> None:
    """`run` prints a line as each asset ends, then a table, then how the task ended, and exits with 0."""
    ran = dagscope("run", "--project", str(hello), "--task-id", "t")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert without_times(ran.stdout).splitlines() == [
        "[1/2] SUCCESS staging.hello  1  0.0s",
        "[2/2] SUCCESS dds.world  1  0.0s",
        "asset          state    rows   time  tests",
        "staging.hello  SUCCESS     1  0.0s    1/1",
        "dds.world      SUCCESS     1  0.0s    2/2",
        "SUCCESS: 2 of 2 assets in 0.0s, task t",
    ]


def test_run_as_json(hello: Path) -> None:
    """`--json` prints exactly the body of the run POST, and a server shows the same task later."""
    ran = dagscope("run", "--json", "--task-id", "t", cwd=hello)
    body = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr, body["status"], body["tasks"]) == (0, "", "SUCCESS", body["nodes"])
    door = ServerDoor(hello)
    del body["tasks"]
    assert door.get("/api/dag/status/t").json() == body
    door.stop()


def test_run_without_tests(hello: Path) -> None:
    """`--no-tests` runs no data tests."""
    body = json.loads(dagscope("run", "--json", "--no-tests", cwd=hello).stdout)
    assert [node["totalTests"] for node in body["nodes"]] == [0, 0]


def test_run_with_profiles(hello: Path) -> None:
    """`--profile` stores the profile of each statement, with and without a server."""

    def profiled(door: ServerDoor) -> bool:
        statements = door.get("/api/dag/asset/dds.world/statements").json()["statements"]
        return any("profile" in statement for statement in statements)

    dagscope("run", "--profile", cwd=hello)
    door = ServerDoor(hello)
    assert profiled(door)
    dagscope("run", "--task-id", "t", cwd=hello)
    assert not profiled(door)
    dagscope("run", "--task-id", "t", "--profile", cwd=hello)
    assert profiled(door)
    door.stop()


def test_a_failing_run(tmp_path: Path) -> None:
    """A failed run exits with 1 and prints the reason and the skipped assets."""
    files = {model("a.bad"): "SELECT 1 AS", model("b.under"): "SELECT * FROM {{ Ref('a.bad') }}"}
    ran = dagscope("run", "--project", str(write_project(tmp_path, files)), "--task-id", "t")
    assert ran.returncode == 1
    lines = without_times(ran.stdout).splitlines()
    assert lines[0] == "[1/2] FAILED  a.bad  0.0s"
    assert lines[1] == '    SQL execution failed: Parser Error: syntax error at or near "AS"'
    assert "    skipped: upstream a.bad failed" in lines
    assert lines[-1] == "FAILED: 0 of 2 assets in 0.0s, task t"


def test_data(tmp_path: Path) -> None:
    """`--data` sets the run's parameters, from JSON or from a file."""
    folder = write_project(tmp_path, {model("a.b"): "SELECT {{ param('n') }} AS n"})
    (tmp_path / "data.json").write_text('{"n": 7}')
    assert dagscope("run", "--data", "@data.json", cwd=folder).returncode == 0
    assert dagscope("run", "--data", '{"n": 8}', cwd=folder).returncode == 0
    ran = dagscope("run", "--json", cwd=folder)
    message = 'assets/models/a/b.sql:1: parameter "n" is missing from the run\'s data and has no default'
    assert (ran.returncode, json.loads(ran.stdout)["nodes"][0]["message"]) == (1, message)


def test_wrong_usage(hello: Path) -> None:
    """Invalid input is reported in one line on standard error, with exit code 2, and nothing is run."""
    for arguments, message in (
        (("--data", "{]"), "--data: not valid JSON: " + NO_KEY),
        (("--data", "[]"), '--data: must be a JSON object, such as {"since": "2013-01-01"}'),
        (("--data", "@none"), "--data: none cannot be read: [Errno 2] No such file or directory: 'none'"),
        (("--data", "[" * 5_000), "--data: not valid JSON: nested too deeply"),
        (("--data", "{\udcff}"), "--data: not UTF-8 text"),
        (("--select", "a, b"), '--select: a comma without an asset beside it in "a,"; write a,b without a space'),
        (("--task-id", "a/b"), "taskId cannot contain the character '/'"),
        (("--task-id", "\udcff"), r"taskId must be UTF-8 text, found '\udcff'"),
    ):
        ran = dagscope_here("run", "--project", str(hello), *arguments)
        assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", message + "\n")
    assert not (hello / ".dagscope").exists()


def test_folder_that_cannot_be_written(hello: Path) -> None:
    """If the state cannot be stored, a command reports that in one line, with exit code 2."""
    (hello / ".dagscope").write_text("not a folder")
    needs = "it must be a folder that belongs to you, in a folder that you can write to"
    for command in ("run", "serve"):
        ran = dagscope(command, cwd=hello)
        assert ran.returncode == 2
        assert ran.stderr == f"{hello}/.dagscope cannot be written: File exists; {needs}\n"


def test_errors_do_not_steer_the_terminal(tmp_path: Path) -> None:
    """A failed asset's message keeps its lines, and its control characters are shown as escapes."""
    folder = write_project(tmp_path, {raw("a.b"): 'def execute(context):\n    raise ValueError("\x1b[2J\\nend")\n'})
    ran = dagscope("run", cwd=folder)
    assert "\x1b" not in ran.stdout
    assert "    ValueError: \\x1b[2J\n    end (b.py:2)\n" in ran.stdout


def test_ctrl_c(tmp_path: Path) -> None:
    """Ctrl-C interrupts the running statement, records it, and exits with 130."""
    folder = write_project(tmp_path, {model("a.slow"): SLOW_SQL})
    command = [DAGSCOPE, "run", "--project", str(folder), "--task-id", "t"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until((folder / "store" / "small.duckdb").exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert out.splitlines()[-1].startswith("FAILED: 0 of 1 assets")
    door = ServerDoor(folder)
    assert door.get("/api/dag/status/t").json()["nodes"][0]["message"] == "cancelled"
    door.stop()


def test_ctrl_c_at_once(tmp_path: Path) -> None:
    """Before there is a task to cancel, Ctrl-C also exits with 130, without a traceback."""
    folder = write_project(tmp_path, {model("a.slow"): SLOW_SQL})
    command = [DAGSCOPE, "run", "--project", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until((folder / ".dagscope").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in err) == (130, False)


def test_prints_of_raw_assets(tmp_path: Path) -> None:
    """With `--json`, what a raw asset prints goes to standard error."""
    source = 'def execute(context):\n    print("hello")\n'
    ran = dagscope("run", "--json", cwd=write_project(tmp_path, {raw("a.talks"): source}))
    assert (json.loads(ran.stdout)["status"], ran.stderr) == ("SUCCESS", "hello\n")


def test_relative_paths(tmp_path: Path) -> None:
    """A relative path in SQL is relative to the project, wherever the command is run."""
    files = {model("a.out"): block("materialization: custom") + "COPY (FROM 'in.csv') TO 'out.csv'"}
    folder = write_project(tmp_path / "project", files)
    (folder / "in.csv").write_text("n\n1\n")
    assert dagscope("run", "--project", "project", cwd=tmp_path).returncode == 0
    assert (folder / "out.csv").read_text() == "n\n1\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "project"]


def test_a_selection(hello: Path) -> None:
    """`--select` runs only the selected assets; without any, nothing is run and the exit code is 2."""
    dagscope("run", cwd=hello)
    ran = dagscope("run", "--select", "world", "--task-id", "t", cwd=hello)
    assert ran.stdout.splitlines()[-1].startswith("SUCCESS: 1 of 1 assets in ")
    none = dagscope("run", "--select", "state:failed", cwd=hello)
    assert (none.returncode, none.stderr) == (2, '--select: "state:failed" selects no assets\n')
