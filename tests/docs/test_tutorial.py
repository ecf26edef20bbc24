"""The tutorial, docs/tutorial.md: its edits and commands are made in order, and print what the page shows."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path

import pytest

from tests.bundles import OpenedBundle

PAGE = Path(__file__).parents[2] / "docs/tutorial.md"
BLOCK = re.compile(
    r"(?:`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>console|diff)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)
COMMAND = re.compile(r"^\$ (?P<command>.*(?:\n> .*)*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.MULTILINE)
TEST = "root.test_destinations_known"
TIME = re.compile(r"\d+(\.\d+)? ?(s|ms)\b")  # as they differ


@dataclass
class Terminal:
    """Runs commands in a folder, which they can change."""

    folder: Path
    environment: dict[str, str] = field(
        default_factory=lambda: os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    )

    def run(self, command: str) -> str:
        """What the command prints, on either stream."""
        script = f"{command}\npwd > .folder"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=True
        )
        after = self.folder / ".folder"
        if not after.exists():  # it is where `cd` went
            after = next(self.folder.glob("*/.folder"))
        self.folder = Path(after.read_text(encoding="utf-8").strip())
        after.unlink()
        return done.stdout + done.stderr


def steps() -> Iterator[re.Match[str]]:
    return BLOCK.finditer(PAGE.read_text(encoding="utf-8"))


def edit(file: Path, diff: str) -> None:
    """Make the edit that a diff shows, of which every line is shown."""
    before, after = ("".join(re.findall(rf"^[{sign} ](.*\n)", diff, re.MULTILINE)) for sign in "-+")
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")


@pytest.mark.server
def test_the_tutorial_holds(tmp_path: Path) -> None:
    """Every command of the tutorial prints what the page shows, but for the times; its bundle shows the same."""
    terminal, compared = Terminal(tmp_path), 0
    for step in steps():
        if step["kind"] == "diff":
            edit(terminal.folder / step["file"], step["text"])
            continue
        for command in COMMAND.finditer(step["text"]):
            printed = terminal.run(command["command"].replace("\n> ", "\n"))
            shown, found = (TIME.sub("0 s", text) for text in (command["output"], printed))
            assert OutputChecker().check_output(shown, found, ELLIPSIS | NORMALIZE_WHITESPACE), printed
            compared += 1
    assert compared > 11
    show = OpenedBundle(terminal.folder / "tuesday.dagscope")
    try:
        for command, path in (("compare", "/api/compare"), (f"ledger {TEST}", f"/api/tests/ledger/{TEST}")):
            assert show.get(path).json() == json.loads(terminal.run(f"dagscope {command} --json"))
    finally:
        show.stop()
