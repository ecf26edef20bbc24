"""What goes into the wheel: one package, `dagscope`, with the rooms, the migrations and two examples inside it.

In a checkout the rooms are links from dagscope/ to the top-level folders, which an editable install uses as they are.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLACES = {
    "dag": "dagscope/dag",
    "storage": "dagscope/storage",
    "server": "dagscope/server",
    "cli": "dagscope/cli",
    "alembic": "dagscope/storage/alembic",
    "examples/hello": "dagscope/cli/examples/hello",
    "examples/nycflights": "dagscope/cli/examples/nycflights",
}


class CustomBuildHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":  # an editable install would copy them once, and never again
            build_data["force_include"].update(_PLACES)
