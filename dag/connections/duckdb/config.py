"""The `config` of a DuckDB connection in config.yaml."""

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
        if self.value is None and self.value_env is None:
            raise ValueError(f'parameter "{self.name}" needs either "value" or "value_env"')
        self.current_value()
        return self

    @property
    def is_secret(self) -> bool:
        """Whether the value comes from the environment, or its name says that it is a secret."""
        return self.value_env is not None or is_secret_name(self.name)

    def current_value(self) -> str:
        """The variable's, or else what is written out. Raises `ValueError` for a variable that is not set."""
        value = self.value if self.value_env is None else environment_value("value_env", self.value_env, self.value)
        return str(value)


class DuckDBConfig(Keys):
    """The `config` of a connection of type duckdb; without a path the database is in memory."""

    path: str | None = None
    path_env: str | None = None
    extensions: Annotated[list[str], NoneIsEmpty] = []
    extra_params: Annotated[list[ExtraParam], NoneIsEmpty] = Field([], alias="extraParams")

    @model_validator(mode="after")
    def _path_is_set(self) -> "DuckDBConfig":
        self.current_path()
        return self

    def current_path(self) -> str | None:
        """The variable's, or else what is written out. Raises `ValueError` for a variable that is not set."""
        return self.path if self.path_env is None else environment_value("path_env", self.path_env, self.path)
