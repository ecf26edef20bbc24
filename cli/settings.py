"""The settings of a command: from the environment, overridden by its options."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from dagscope.cli.exits import fail
from dagscope.server.workspace.settings import Settings


def read_settings(given: Mapping[str, Any], options: Mapping[str, str]) -> Settings:
    """The settings from the environment, overridden by `given`. Exits if one is invalid.

    `options` maps a setting to the option that gives it, for the message about an invalid value.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault["msg"]) for fault in error.errors()]
        names = {name: options[name] if name in given else f"DAGSCOPE_{name.upper()}" for name, _ in faults}
        fail("\n".join(f"{names[name]}: {message}" for name, message in faults))
