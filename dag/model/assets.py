"""What a project consists of: assets, data tests, and how they are named."""

from dataclasses import dataclass, field
from typing import Literal

from dagscope.dag.model.capture import Capture
from dagscope.dag.model.file_shapes import IndexEntry, Materialization
from dagscope.dag.model.templates import Template

ROOT_STAGE = "root"
"""The stage of the data tests that run after the whole DAG."""


@dataclass(frozen=True)
class Asset:
    """A node of the DAG: a SQL model or a raw Python function, and how its result is created.

    `path` is relative to the project folder. `template` is None for a raw asset. `tests` are full names.
    """

    name: str
    path: str
    connection: str
    connection_type: str
    materialization: Materialization
    template: Template | None
    description: str = ""
    is_data_framed: bool = False
    persist_inputs: bool = False
    primary_key_fields: tuple[str, ...] = ()
    indexes: tuple[IndexEntry, ...] = ()
    tests: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()
    capture: Capture | None = None
    """What the model, its stage or the project asks for, in this order of precedence."""

    @property
    def stage(self) -> str:
        return self.name.split(".", 1)[0]

    @property
    def is_raw(self) -> bool:
        return self.materialization is Materialization.RAW


@dataclass(frozen=True)
class DataTest:
    """A query whose rows are violations: a test passes if the query returns no rows. Its name is `<stage>.<test>`.

    `mask` are the columns whose values are not stored, from its own block and from the models that name it.
    """

    name: str
    path: str
    connection: str
    connection_type: str
    template: Template
    description: str = ""
    references: tuple[str, ...] = field(default=())
    mask: tuple[str, ...] = ()

    @property
    def is_root(self) -> bool:
        return is_root(self.name)


def is_root(test: str) -> bool:
    """If the data test of that name is a root test."""
    return test.startswith(ROOT_STAGE + ".")


Kind = Literal["asset", "data test"]
