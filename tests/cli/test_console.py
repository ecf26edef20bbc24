"""What `dagscope serve` shows on its console: `DAGSCOPE_LOG_LEVEL`, `DAGSCOPE_LOG_FORMAT` and `--debug`."""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doors import DAGSCOPE, ServerDoor
from tests.projects import raw, write_project

pytestmark = pytest.mark.server

LOGGED = "def execute(context):\n" + "".join(
    f"    context.log.{level}('a {level}', rows=3)\n" for level in ("debug", "info", "warning", "error", "critical")
)
Console = Callable[..., str]


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """What a server writes to its console while it runs an asset that logs at every level."""
    project = write_project(tmp_path / "project", {raw("a.logged"): LOGGED})

    def of(*options: str, **settings: str) -> str:
        with (tmp_path / "console").open("w+", encoding="utf-8") as file:

            class ShownDoor(ServerDoor):
                console = file

            door = ShownDoor(project, *options, **settings)
            assert door.run("t").status_code == 200
            door.stop()
            file.seek(0)
            return file.read()

    return of


def own_levels(console: str) -> list[str]:
    """The levels of the asset's own entries."""
    return re.findall(r"a (debug|info|warning|error|critical)\b", console)


@pytest.mark.parametrize(
    ("options", "level", "shown"),
    [
        ((), "", "info warning error critical"),
        ((), "debug", "debug info warning error critical"),
        ((), "WARNING", "warning error critical"),
        ((), "critical", "critical"),
        (("--debug",), "error", "debug info warning error critical"),
    ],
)
def test_level(console: Console, options: tuple[str, ...], level: str, shown: str) -> None:
    """Entries below the level are not shown, except with `--debug`, which shows all."""
    assert own_levels(console(*options, **({"log_level": level} if level else {}))) == shown.split()


@pytest.mark.parametrize("settings", [{}, {"log_format": "json"}])
def test_json(console: Console, settings: dict[str, str]) -> None:
    """If it is not a terminal, each line is one entry as a JSON object, with its level, fields and time in UTC."""
    entries = [json.loads(line) for line in console(**settings).splitlines()]
    entry = next(entry for entry in entries if entry["event"] == "a warning")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry.pop("timestamp"))
    assert (entry["level"], entry["rows"], entry["taskId"], entry["asset"]) == ("warning", 3, "t", "a.logged")


def test_text(console: Console) -> None:
    """As text, an entry is one line for people, without colours if it is not a terminal."""
    text = console(log_format="Text")
    line = next(line for line in text.splitlines() if "a warning" in line)
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[warning *\] a warning .*rows=3", line)
    assert "\x1b" not in text


@pytest.mark.parametrize("command", ["serve", "run"])
@pytest.mark.parametrize(
    ("variable", "known"),
    [
        ("DAGSCOPE_LOG_LEVEL", "'debug', 'info', 'warning', 'error' or 'critical'"),
        ("DAGSCOPE_LOG_FORMAT", "'text' or 'json'"),
    ],
)
def test_wrong_value(hello: Path, command: str, variable: str, known: str) -> None:
    """An invalid value ends the command before it does anything, and the message lists the valid ones."""
    ended = subprocess.run(
        [DAGSCOPE, command, "--project", str(hello)],
        capture_output=True,
        text=True,
        env=os.environ | {variable: "loud"},
        timeout=20,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"{variable}: Input should be {known}\n")
    assert not (hello / ".dagscope").exists()
