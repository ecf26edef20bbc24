"""Planted secrets are found nowhere: not in the state, an answer, the stream or the output."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.doors import DAGSCOPE, ServerDoor
from tests.projects import block, model, raw, write_project

PLANTED = {
    "config": "planted-in-config-7f3a",
    "environment": "planted-in-environment-91bc",
    "setting": "planted-in-setting-c2d8",
    "address": "planted-in-address-55e1",
    "string": "planted-in-string-08aa",
    "key_id": "planted-in-key-id-e6f7",
    "secret": "planted-in-secret-1b2c",
    "template": "planted-in-template-d3d3",
    "python": "planted-in-python-4f4f",
    "data": "planted-in-data-a9a9",
}

CONFIG = f"""\
connections:
  - name: duck
    type: duckdb
    config:
      path: store/duck.duckdb
      extraParams:
        - {{name: custom_user_agent, value_env: PLANTED_AGENT}}
        - {{name: autoinstall_known_extensions, value: "false"}}
  - name: shop
    type: postgres
    config: {{host: 127.0.0.1, port: 1, user: ann, password: {PLANTED["config"]}, database: shop}}
  - name: other
    type: postgres
    config: {{host: 127.0.0.1, port: 1, user: ann, password_env: PLANTED_PASSWORD, database: "postgres://u:{PLANTED["setting"]}@h/d"}}
"""

ATTACH = f"ATTACH 'host=127.0.0.1 port=1 password = {PLANTED['string']} user=ann' AS away (TYPE postgres)"
ADDRESS = f"ATTACH 'postgres://ann:{PLANTED['address']}@127.0.0.1:1/shop' AS away (TYPE postgres)"
LONG = "nix + " * 12
CREATE = f"CREATE SECRET planted (TYPE s3, KEY_ID '{PLANTED['key_id']}', SECRET '{PLANTED['secret']}', NIX '{LONG}')"
TEMPLATE = "CREATE SECRET other (TYPE s3, SECRET '{{ ENV(\"PLANTED_TOKEN\") }}', NIX 1)"
PYTHON = f"""\
import logging

def execute(context):
    dsn = "host=h password={PLANTED["python"]}"
    logging.getLogger("library").warning("connecting to %s", dsn)
    context.log.info(f"connecting to {{dsn}}", dsn=dsn, parts=["{PLANTED["python"]}"])
    try:
        context.connection("duck").execute("SELECT '{PLANTED["python"]}' || nix FROM nix")
    except Exception as error:
        raise ValueError("{PLANTED["python"]}") from error
"""

# Late: the answer has begun by then, and 12 MB are more than a database reads ahead.
LATE = f"CASE WHEN range < 3000000 THEN 1 ELSE ('{PLANTED['secret']}' || range)::INTEGER END"
BROKEN = f"SELECT {LATE} AS it FROM range(6000000)"


def custom(connection: str, sql: str) -> str:
    return block(f"materialization: custom\nconnection: {connection}") + sql


FILES = {
    "config.yaml": CONFIG,
    model("a.shop"): block("connection: shop") + f"SELECT '{PLANTED['config']}' AS it",
    model("a.other"): block("connection: other") + "SELECT 1 AS it",
    model("a.attach"): custom("duck", ATTACH),
    model("a.address"): custom("duck", ADDRESS),
    model("a.create"): custom("duck", CREATE),
    model("a.cut"): custom("duck", f"SELECT '{'x' * 40}', '{PLANTED['secret']}', nix, '{'y' * 60}' FROM nix, {CREATE}"),
    model("a.conversion"): f"SELECT '{PLANTED['environment']}'::INTEGER AS it",
    model("a.template"): custom("duck", TEMPLATE),
    model("a.view"): block("materialization: view") + BROKEN,
    model("a.good"): block("tests: [{name: refused}]") + "SELECT 1 AS it",
    "assets/tests/a/refused.sql": f"SELECT '{PLANTED['secret']}'::DATE FROM a.good",
    "assets/tests/root/refused.sql": f"SELECT '{PLANTED['key_id']}'::DATE",
    raw("a.python"): PYTHON,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED_AGENT", PLANTED["environment"])
    monkeypatch.setenv("PLANTED_PASSWORD", PLANTED["environment"])
    monkeypatch.setenv("PLANTED_TOKEN", PLANTED["template"])


class PrintingDoor(ServerDoor):
    """A server whose console is kept."""

    def start(self) -> None:
        self.console = self.folder.parent / "console.txt"
        popen = subprocess.Popen

        def with_console(*arguments: Any, **named: Any) -> Any:
            with self.console.open("ab") as errors:
                return popen(*arguments, **{**named, "stderr": errors})

        subprocess.Popen = with_console  # type: ignore[misc,assignment]
        try:
            super().start()
        finally:
            subprocess.Popen = popen  # type: ignore[misc]


@pytest.fixture
def served(tmp_path: Path, environment: None) -> Iterator[PrintingDoor]:
    door = PrintingDoor(write_project(tmp_path / "project", FILES), "--debug", "--reload")
    yield door
    if door.process.poll() is None:
        door.stop()


def planted(text: str | bytes) -> list[str]:
    """The names of the secrets that a text contains, in full or in large part."""
    shown = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return sorted(
        name for name, secret in PLANTED.items() if secret in shown or secret[4:] in shown or secret[:-4] in shown
    )


def answers(door: ServerDoor) -> Iterator[tuple[str, str]]:
    """All answers of the server, by request."""
    assets = [node["name"] for node in door.get("/api/dag").json()["nodes"]]
    paths = [
        "/api/dag",
        "/api/tests",
        "/api/logs",
        "/api/logs/t",
        "/api/dag/status/t",
        "/api/dag/tasks",
        "/openapi.json",
    ]
    paths += [f"/api/dag/asset/{asset}/{what}" for asset in assets for what in ("data", "statements")]
    paths += [f"/api/tests/{test}/statements" for test in ("a.refused", "root.refused")]
    paths += ["/api/events?lastEventId=0&taskId=t"]
    for path in paths:
        try:
            yield path, door.get(path).text
        except httpx2.RemoteProtocolError as error:  # the rows of a.view: it is cut off, and the console says why
            yield path, str(error)
    for asset in assets:
        yield f"execute {asset}", door.post(f"/api/dag/asset/{asset}/execute", {"taskId": asset}).text
    yield "retry", door.post("/api/dag/retry/t").text
    fields = "... on EventConnection {events {message stepKey eventType} cursor hasMore}"
    yield "graphql", door.post("/graphql", {"query": f'{{logsForRun(runId: "t") {{{fields}}}}}'}).text
    step = "... on ExecutionStepFailureEvent {error {message stack cause {message stack}}}"
    query = f'{{logsForRun(runId: "t") {{... on EventConnection {{events {{{step}}}}}}}}}'
    yield "dagster", door.post("/dagster/graphql", {"query": query}).text


@pytest.mark.server
def test_planted_secrets_are_found_nowhere(served: PrintingDoor, tmp_path: Path) -> None:
    """After every error path no planted secret is in an answer, the stream, the state, or on the console."""
    ran = served.run("t", data={"p": "harmless"}, profile=True)
    states = {node["assetName"]: node["state"] for node in ran.json()["nodes"]}
    assert {name for name, state in states.items() if state != "FAILED"} == {"a.view"}
    answered = {"run": ran.text, **dict(answers(served))}
    assert all('"message":' in answered[name].replace(" ", "") for name in ("graphql", "dagster", "/api/logs/t"))
    assert {name: planted(text) for name, text in answered.items() if planted(text)} == {}
    (served.folder / "config.yaml").write_text(CONFIG.replace("port: 1", "port: [1]", 1))
    served.stop()
    assert "connecting to" in served.console.read_text()
    assert "Exception in ASGI application" in served.console.read_text()
    assert planted(served.console.read_bytes()) == []
    state = served.folder / ".dagscope"
    files = [file for file in state.rglob("*") if file.is_file()]
    assert state / "state.sqlite" in files
    assert {str(file): planted(file.read_bytes()) for file in files if planted(file.read_bytes())} == {}


@pytest.mark.server
def test_planted_secrets_in_the_write_ahead_log(served: PrintingDoor) -> None:
    """The write-ahead log of a killed server contains no planted secret."""
    served.run("t", data={"p": "harmless"})
    served.stop(9)
    log = served.folder / ".dagscope" / "state.sqlite-wal"
    assert b"SQL execution failed" in log.read_bytes()
    assert planted(log.read_bytes()) == []


@pytest.mark.server
def test_planted_secrets_on_the_command_line(tmp_path: Path, environment: None) -> None:
    """No command prints a planted secret."""
    folder = write_project(tmp_path / "project", FILES)
    for command in (["run"], ["run", "--json"], ["check"], ["graph"], ["graph", "--format", "json"]):
        done = subprocess.run([DAGSCOPE, *command], cwd=folder, capture_output=True, text=True)
        assert planted(done.stdout + done.stderr) == [], command
