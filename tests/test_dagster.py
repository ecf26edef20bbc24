"""Dagster's own tools against dagscope, and dagscope's against a real Dagster."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.plus.plus_command import make_dg
from tests.dagster_world import DagsterWebserver, dagster_dg, dagster_webserver
from tests.doors import ServerDoor
from tests.projects import copy_example, raw

pytestmark = [pytest.mark.dagster, pytest.mark.timeout(900)]  # the first time, Dagster is installed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    """A dagscope server with a successful run, a failed run and a token."""
    project = copy_example("hello", tmp_path_factory.mktemp("dagscope"))
    (project / raw("staging.broken")).write_text("def execute(context):\n    raise ValueError('no news')\n")
    opened = ServerDoor(project, api_token="any", organization="acme")
    opened.http.headers["Authorization"] = "Bearer any"
    opened.run("nightly", data={"since": "2013-01-01"})
    opened.post("/api/dag/asset/dds.world/execute", {"taskId": "good"})
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWebserver]:
    with dagster_webserver(tmp_path_factory.mktemp("dagster")) as webserver:
        yield webserver


def ask(server: ServerDoor, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Dagster's `dg api run ...` against a dagscope server."""
    program, environ = dagster_dg(home, f"{server.address}/dagster")
    return subprocess.run([program, "api", "run", *arguments], capture_output=True, text=True, env=environ, cwd=home)


def test_dagsters_client_reads_events(server: ServerDoor, tmp_path: Path) -> None:
    """The published `dg api run get-events` shows a dagscope run, as a table and as JSON."""
    document = json.loads(ask(server, tmp_path, "get-events", "nightly", "--json").stdout)
    [failure] = [event for event in document["items"] if event["event_type"] == "STEP_FAILURE"]
    assert failure["message"] == 'Execution of step "staging.broken" failed: ValueError: no news (broken.py:2)'
    assert failure["error"]["cause"]["className"] == "ValueError"
    assert document["items"][0]["event_type"] == "RUN_START"
    assert document["has_more"] is False
    table = ask(server, tmp_path, "get-events", "nightly")
    assert (table.returncode, table.stderr) == (0, "")
    assert f"Total log entries: {len(document['items'])}" in table.stdout


def test_dagsters_client_pages_and_filters(server: ServerDoor, tmp_path: Path) -> None:
    """Its filters and its cursor work."""
    first = json.loads(ask(server, tmp_path, "get-events", "nightly", "--limit", "3", "--json").stdout)
    assert (len(first["items"]), first["has_more"]) == (3, True)
    options = ("--event-type", "ASSET_MATERIALIZATION", "--step", "WORLD", "--cursor", first["cursor"], "--json")
    [found] = json.loads(ask(server, tmp_path, "get-events", "nightly", *options).stdout)["items"]
    assert found["message"] == "Asset materialized: dds.world (1 row)"


def test_dagsters_client_reads_a_run(server: ServerDoor, tmp_path: Path) -> None:
    """`dg api run get` shows one dagscope run, and reports a run that does not exist."""
    run = json.loads(ask(server, tmp_path, "get", "nightly", "--json").stdout)
    assert (run["id"], run["status"], run["job_name"]) == ("nightly", "FAILURE", "hello-world-dag")
    assert run["run_config_yaml"] == "since: '2013-01-01'\n"
    assert run["stats"] == {"steps_succeeded": 2, "steps_failed": 1, "materializations": 2, "expectations": 3}
    missing = ask(server, tmp_path, "get", "x")
    assert (missing.returncode, missing.stderr) == (1, "Error: dg api run get: Run not found: Run x not found\n")


def test_dagsters_client_lists_runs(server: ServerDoor, tmp_path: Path) -> None:
    """`dg api run list` lists dagscope's runs, newest first, by status and by job."""
    listed = json.loads(ask(server, tmp_path, "list", "--json").stdout)
    assert ([run["id"] for run in listed["items"]], listed["total"]) == (["good", "nightly"], 2)
    options = ("--status", "FAILURE", "--job", "hello-world-dag", "--cursor", "good", "--json")
    failed = json.loads(ask(server, tmp_path, "list", *options).stdout)
    assert ([run["id"] for run in failed["items"]], failed["total"]) == (["nightly"], 1)


def test_one_login_serves_both(server: ServerDoor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's client accepts the configuration that our login wrote: both clients read the same run with it."""
    dg = make_dg(tmp_path, monkeypatch)
    options = ("--organization", "acme", "--deployment", "prod", "--token", "any")
    assert dg("plus", "login", "--url", f"{server.address}/dagster", *options).exit_code == 0
    ours = json.loads(dg.events("nightly", "--json").stdout)
    program, environ = dagster_dg(tmp_path, "http://unused")
    environ["DG_CLI_CONFIG"] = str(tmp_path / "dg.toml")
    command = [program, "api", "run", "get-events", "nightly", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path)
    theirs = json.loads(done.stdout[done.stdout.index("{") :])
    assert [event["message"] for event in ours["events"]] == [event["message"] for event in theirs["items"]]


def test_our_client_reads_a_real_dagster(
    dagster: DagsterWebserver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`dg plus api run events` shows a real run of a real Dagster webserver."""
    dg = make_dg(tmp_path, monkeypatch)
    assert (
        dg("plus", "login", "--url", dagster.url, "--organization", "", "--deployment", "", "--token", "").exit_code
        == 0
    )
    result = dg.events(dagster.run_id, "--json")
    events = json.loads(result.stdout)["events"]
    types = [event["eventType"] for event in events]
    assert (types.count("RUN_START"), types.count("RUN_FAILURE"), types.count("STEP_FAILURE")) == (1, 1, 1)
    [line] = [event for event in events if event["message"] == "loading orders"]
    assert (line["eventType"], line["stepKey"], line["level"]) == ("LOG_MESSAGE", "orders", "INFO")
    assert all(event["timestamp"].endswith("Z") and event["timestamp"][10] == "T" for event in events)
    [row] = dg.events(dagster.run_id, "--type", "step_failure").stdout.splitlines()[4:5]
    assert row[19:] == '  STEP_FAILURE         sales                         Execution of step "sales" failed.'


def test_our_client_pages_and_follows_a_real_dagster(
    dagster: DagsterWebserver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's cursors, its end of a run, and its missing run are understood."""
    dg = make_dg(tmp_path, monkeypatch)
    dg.configure(url=dagster.url)
    whole = json.loads(dg.events(dagster.run_id, "--json").stdout)["events"]
    first = json.loads(dg.events(dagster.run_id, "--limit", "4", "--after", "", "--json").stdout)
    rest = json.loads(dg.events(dagster.run_id, "--after", first["cursor"], "--json").stdout)
    assert first["events"] + rest["events"] == whole
    assert json.loads(dg.events(dagster.run_id, "--follow", "--json").stdout)["events"] == whole
    missing = dg.events("x")
    expected = "Error querying Dagster Plus API: Pipeline run x could not be found.\n"
    assert (missing.exit_code, missing.stderr) == (1, expected)
