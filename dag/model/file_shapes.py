"""The shapes of config.yaml, profile.yaml and profile blocks (contract, Projects). Unknown keys are errors."""

import os
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

from dagscope.dag.model.capture import CaptureText

NoneIsEmpty = BeforeValidator(lambda value: [] if value is None else value)
"""An empty value (`extensions:`) is an empty list."""

_NoneIsEmptyMapping = BeforeValidator(lambda value: {} if value is None else value)


def _scalar_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_scalar_text)]
"""YAML reads `2.0` and `4GB` as different types; where text is expected, a number's own text is accepted."""


def environment_value(key: str, variable: str, otherwise: Any = None) -> Any:
    """The value of the environment variable that `key` names; what is given besides, where it is not set or empty.

    Raises `ValueError` if there is neither.
    """
    value = os.environ.get(variable)
    if not value and otherwise is not None:
        return otherwise
    if value is None:
        raise ValueError(f'environment variable "{variable}" is not set ("{key}")')
    return value


class Keys(BaseModel):
    """Base of all file shapes: unknown keys are refused, values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Materialization(StrEnum):
    """How an asset's result is created (spec, Materialization Types)."""

    TABLE = "table"
    INCREMENTAL = "incremental"
    VIEW = "view"
    CUSTOM = "custom"
    RAW = "raw"


class ConnectionEntry(Keys):
    """One entry of `connections`; the keys that `config` may have depend on the type's engine."""

    name: str
    type: str
    config: Annotated[dict[str, Any], _NoneIsEmptyMapping] = {}


class ConfigFile(Keys):
    """config.yaml. `cores: 0` is as if nothing was said of them."""

    version: Text = "1.0.0"
    module: str = ""
    cores: Annotated[StrictInt, Field(ge=0)] | None = None
    connections: Annotated[list[ConnectionEntry], NoneIsEmpty] = []
    capture: CaptureText | None = None


class IndexEntry(Keys):
    """An index on a table or incremental model."""

    name: str
    unique: StrictBool = False
    fields: Annotated[list[str], Field(min_length=1)]


class TestEntry(Keys):
    """A data test named by a model; a bare name means the model's own stage. `mask` adds to the test's own mask."""

    name: str
    description: str | None = None
    connection: str | None = None
    mask: Annotated[list[str], NoneIsEmpty] = []


class ModelKeys(Keys):
    """The keys that a model may have in profile.yaml or in its own block; None for keys that are not given."""

    connection: str | None = None
    description: str | None = None
    materialization: Materialization | None = None
    is_data_framed: StrictBool | None = None
    persist_inputs: StrictBool | None = None
    primary_key_fields: Annotated[list[str] | None, NoneIsEmpty] = None
    indexes: Annotated[list[IndexEntry] | None, NoneIsEmpty] = None
    tests: Annotated[list[TestEntry] | None, NoneIsEmpty] = None
    raw_upstreams: Annotated[list[str] | None, NoneIsEmpty] = None
    capture: CaptureText | None = None


class ModelEntry(ModelKeys):
    """A model in profile.yaml; its name may be preceded by its stage's."""

    name: str


class ModelBlock(ModelKeys):
    """The block of a model's file. The name is the file's, whatever `name` says."""

    name: str | None = None


class StageEntry(Keys):
    """A stage in profile.yaml."""

    name: str
    capture: CaptureText | None = None
    models: Annotated[list[ModelEntry], NoneIsEmpty] = []


class ModelsEntry(Keys):
    """`models` of profile.yaml."""

    stages: Annotated[list[StageEntry], NoneIsEmpty] = []


class ProfileFile(Keys):
    """profile.yaml."""

    version: Text = "1.0.0"
    name: str
    connection: str
    models: Annotated[ModelsEntry, _NoneIsEmptyMapping] = ModelsEntry()


class TestKeys(Keys):
    """What may be said of a data test in its own block. `mask` are columns whose values are never kept.

    The name is the file's, whatever `name` says.
    """

    name: str | None = None
    connection: str | None = None
    description: str | None = None
    mask: Annotated[list[str] | None, NoneIsEmpty] = None
