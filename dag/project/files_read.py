"""The contents of a project's files, as `loading` reads them and `project_checks` checks them."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from dagscope.dag.ground.problems import Problem
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.file_shapes import ModelKeys, TestKeys
from dagscope.dag.model.templates import Reference

CONFIG, PROFILE = "config.yaml", "profile.yaml"
MODELS, TESTS = "assets/models", "assets/tests"


@dataclass
class Said:
    """The keys of a model and where each is set; its own block takes precedence over profile.yaml."""

    keys: dict[str, Any] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, keys: ModelKeys | TestKeys, path: str, lines: dict[str, int]) -> None:
        for key in keys.model_fields_set - {"name"}:
            self.keys[key] = getattr(keys, key)
            self.places[key] = (path, lines.get(key, 1))


@dataclass
class FilesRead:
    """Assets and data tests by name, with the problems found so far.

    `references` are those of each asset, and of each data test under `test <name>`. Names in `broken` exist, but
    could not be read: a reference to one is not a further problem.
    """

    has_assets_folder: bool = True
    said: dict[str, Said] = field(default_factory=lambda: defaultdict(Said))
    assets: dict[str, Asset] = field(default_factory=dict)
    tests: dict[str, DataTest] = field(default_factory=dict)
    references: dict[str, list[Reference]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def full_name(asset: str, test: str) -> str:
    """The name with its stage of a data test that a model names."""
    return test if "." in test else f"{asset.split('.')[0]}.{test}"
