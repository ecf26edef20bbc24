"""The contents of the distributions: one package, `dagscope`, with the rooms, the page, migrations and two examples.

In a checkout the rooms are links from dagscope/ to the top-level folders, which an editable install uses as they are.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLACES = {
    "dag": "dagscope/dag",
    "storage": "dagscope/storage",
    "server": "dagscope/server",
    "cli": "dagscope/cli",
    "alembic": "dagscope/storage/alembic",
}
_EXAMPLES = ("hello", "nycflights")
_LEFT_BY_RUNS = (".dagscope", "store")
_PAGE = "server/static"
_OLDEST_NODE = (20, 19)
_BUILDING_PAGE = (("npm", "ci", "--ignore-scripts"), ("npm", "run", "build"))


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "standard":  # an editable install would copy the rooms once, and never update them
            return
        self._build_page()
        if self.target_name == "wheel":
            build_data["force_include"].update(_PLACES | dict(self._examples()))
        elif (Path(self.root) / _PAGE).exists():
            build_data["force_include"][_PAGE] = _PAGE  # Git ignores it

    def _examples(self) -> Iterator[tuple[str, str]]:
        # One entry at a time: a folder is included with everything in it, ignored files too.
        for example in _EXAMPLES:
            for entry in (Path(self.root) / "examples" / example).iterdir():
                if entry.name not in _LEFT_BY_RUNS:
                    yield str(entry), f"dagscope/cli/examples/{example}/{entry.name}"

    def _build_page(self) -> None:
        """Build the page if it is not there. If it cannot be built, the server works without it, and says so."""
        if (Path(self.root) / _PAGE / "index.html").exists():
            return
        fault = _missing() or next(filter(None, map(self._fault_of, _BUILDING_PAGE)), None)
        if fault is not None:
            self.app.display_warning(
                f"dagscope is built without its page for the browser: {fault}. The API works without the page. "
                "To have it, run `make page` in the checkout, and build again."
            )

    def _fault_of(self, command: tuple[str, ...]) -> str | None:
        """What went wrong with one of the commands that build the page."""
        ran = subprocess.run(command, cwd=Path(self.root) / "web", check=False, capture_output=True, text=True)
        if ran.returncode == 0:
            return None
        return f"`{' '.join(command)}` in web/ failed:\n{(ran.stdout + ran.stderr).strip()}\n"


def _missing() -> str | None:
    """What the machine needs to build the page and does not have."""
    wanted = ".".join(map(str, _OLDEST_NODE))
    if shutil.which("npm") is None or shutil.which("node") is None:
        return f"it needs Node.js {wanted} or newer with npm, which is not installed"
    found = subprocess.run(("node", "--version"), check=True, capture_output=True, text=True).stdout.strip()
    if tuple(int(part) for part in found.lstrip("v").split(".")[:2]) < _OLDEST_NODE:
        return f"it needs Node.js {wanted} or newer, and found {found}"
    return None
