"""Requests that Schemathesis draws from /openapi.json: each answer is one that the document describes, and no fault."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.doors import ServerDoor
from tests.projects import copy_example

_CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
_SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")


def faults(folder: Path, seed: int, requests: int, longest_s: float | None = None) -> Iterator[str]:
    """Send valid and invalid requests to every operation, up to that many of random values. Yields what was wrong.

    With `longest_s`, an answer that takes longer is wrong too. A POST that executes something waits half of it.
    """
    settings = {"post_wait_ms": int(longest_s * 500)} if longest_s is not None else {}
    door = ServerDoor(copy_example("hello", folder), "--run", **settings)
    command = [
        *(str(_SCHEMATHESIS), "--config-file", str(_CONFIGURATION), "run", f"{door.address}/openapi.json"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing", "--seed", str(seed)),
        *("--max-examples", str(requests), "--warnings", "off", "--no-color", "--request-timeout", "20"),
        *(("--max-response-time", str(longest_s)) if longest_s is not None else ()),
    ]
    without_colours = os.environ | {"COLUMNS": "120", "PYTHONWARNINGS": "ignore"}
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=without_colours)
    is_alive = door.get("/api/dag").status_code == 200
    door.stop()
    if ended.returncode:
        yield f"seed {seed}: {ended.stdout}{ended.stderr}"
    if not is_alive:
        yield f"seed {seed}: the server no longer answers"
