"""A project whose second asset waits until it is let through: a run stands still for as long as a test needs."""

from pathlib import Path

from tests.projects import model, raw, write_project

_WAITING = """\
import time
from pathlib import Path


def execute(context):
    context.log.info("waits at the gate")
    while not Path("open").exists():
        time.sleep(0.02)
    return "through"
"""


class Gate:
    """The project: `a.before`, then `a.gate`, then `a.after`."""

    def __init__(self, folder: Path) -> None:
        profile = (
            "version: 1.0.0\nname: gated\nconnection: duck\nmodels:\n  stages:\n    - name: a\n      models:\n"
            "        - {name: gate, raw_upstreams: [a.before]}\n        - {name: after, raw_upstreams: [a.gate]}\n"
        )
        files = {
            "profile.yaml": profile,
            model("a.before"): "SELECT 1 AS n",
            raw("a.gate"): _WAITING,
            raw("a.after"): "def execute(context):\n    return 'after'\n",
        }
        self.folder = write_project(folder, files)

    def open(self) -> None:
        """Let the asset through, now and in later runs."""
        (self.folder / "open").touch()
