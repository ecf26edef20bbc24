"""What the files of a project say, as `loading` reads it and `project_checks` checks it."""

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
    """What is said of a model, by key, and where: profile.yaml first, then its own block over it."""

    keys: dict[str, Any] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, keys: ModelKeys | TestKeys, path: str, lines: dict[str, int]) -> None:
        for key in keys.model_fields_set - {"name"}:
            self.keys[key] = getattr(keys, key)
            self.places[key] = (path, lines.get(key, 1))


@dataclass
class FilesRead:
    """Assets and data tests by name, with what is wrong so far.

    `references` are those of each asset, and of each data test under `test <name>`. What is `broken` is there, but
    could not be read: nothing else is wrong for naming it.
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
    """A data test as a model names it, with its stage."""
    return test if "." in test else f"{asset.split('.')[0]}.{test}"
