"""The `config` of a DuckDB connection in config.yaml."""

import os
from typing import Annotated

from pydantic import Field, model_validator

from dagscope.dag.model.file_shapes import Keys, NoneIsEmpty, Text, environment_value
from dagscope.dag.redaction.sql_secrets import is_secret_name


class ExtraParam(Keys):
    """A database setting, its value given directly or by an environment variable."""

    name: str
    value: Text | None = None
    value_env: str | None = None

    @model_validator(mode="after")
    def _one_value(self) -> "ExtraParam":
        if (self.value is None) == (self.value_env is None):
            raise ValueError(f'parameter "{self.name}" needs either "value" or "value_env"')
        if self.value_env is not None:
            environment_value("value_env", self.value_env)
        return self

    @property
    def is_secret(self) -> bool:
        """Whether the value comes from the environment, or its name says that it is a secret."""
        return self.value_env is not None or is_secret_name(self.name)

    def current_value(self) -> str:
        return self.value if self.value is not None else os.environ[self.value_env or ""]


class DuckDBConfig(Keys):
    """The `config` of a connection of type duckdb; without a path the database is in memory."""

    path: str | None = None
    path_env: str | None = None
    extensions: Annotated[list[str], NoneIsEmpty] = []
    extra_params: Annotated[list[ExtraParam], NoneIsEmpty] = Field([], alias="extraParams")

    @model_validator(mode="after")
    def _one_path(self) -> "DuckDBConfig":
        if self.path is not None and self.path_env is not None:
            raise ValueError('give either "path" or "path_env", not both')
        if self.path_env is not None:
            environment_value("path_env", self.path_env)
        return self
