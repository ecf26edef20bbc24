"""The contents of a project's files, as `loading` reads them and `project_checks` checks them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from dagscope.dag.ground.problems import Problem
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.file_shapes import Keys, TestEntry
from dagscope.dag.model.templates import Reference

CONFIG, PROFILE = "config.yaml", "profile.yaml"
MODELS, TESTS, LIBRARY = "assets/models", "assets/tests", "assets/lib"


@dataclass
class Said:
    """What is said of a model or data test, by key, and where. What is said first holds: profile.yaml before a block.

    `test_entries` are all that name data tests, each with its file and line, whichever of the lists holds.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    test_entries: list[tuple[TestEntry, str, int]] = field(default_factory=list)

    def add(self, keys: Keys, path: str, lines: dict[str, int]) -> list[Problem]:
        """What else is said of it; a warning for each key that is said in another way before."""
        warnings = []
        for key in sorted(keys.model_fields_set - {"name"}):
            value, line = getattr(keys, key), lines.get(key, 1)
            if key == "tests":
                self.test_entries += ((entry, path, line) for entry in value)
            if value is None or value == []:
                continue
            if self.keys.setdefault(key, value) != value:
                warnings.append(Problem(path, line, self._overruled(key, value)))
            self.places.setdefault(key, (path, line))
        return warnings

    def _overruled(self, key: str, value: Any) -> str:
        path, line = self.places[key]
        how = f" is {_shown(value)} here and {_shown(self.keys[key])}" if _shown(value) else " is not the same here and"
        return f'"{key}"{how} in {path}:{line}, which takes precedence; delete one'


def _shown(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str() if "\n" not in value:
            return f'"{value}"'
        case _:
            return ""


@dataclass
class FilesRead:
    """Assets and data tests by name, with the problems found so far.

    `references` are those of each asset, and of each data test under `test <name>`. Names in `broken` exist, but
    could not be read: a reference to one is not a further problem. `modules` are the paths of Python files without an
    `execute`, and `imported` the modules that the project's Python imports.
    """

    has_assets_folder: bool = True
    said: dict[str, Said] = field(default_factory=lambda: defaultdict(Said))
    assets: dict[str, Asset] = field(default_factory=dict)
    tests: dict[str, DataTest] = field(default_factory=dict)
    references: dict[str, list[Reference]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    modules: dict[str, str] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def full_name(asset: str, test: str) -> str:
    """The name with its stage of a data test that a model names."""
    return test if "." in test else f"{asset.split('.')[0]}.{test}"
