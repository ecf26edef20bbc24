"""The contents of the wheel: one package, `dagscope`, with the rooms, the migrations and two examples inside it.

In a checkout the rooms are links from dagscope/ to the top-level folders, which an editable install uses as they are.
"""

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


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # an editable install would copy them once and never update them
            build_data["force_include"].update(_PLACES | dict(self._examples()))

    def _examples(self) -> Iterator[tuple[str, str]]:
        # One entry at a time: a folder is included with everything in it, ignored files too.
        for example in _EXAMPLES:
            for entry in (Path(self.root) / "examples" / example).iterdir():
                if entry.name not in _LEFT_BY_RUNS:
                    yield str(entry), f"dagscope/cli/examples/{example}/{entry.name}"
