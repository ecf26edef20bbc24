"""The `config` of a PostgreSQL connection in config.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from dagscope.dag.model.file_shapes import Keys, Text, environment_value

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_Port = Annotated[int, Field(ge=1, le=65_535)]

_TIMEOUT = r"\d+ ?(us|ms|s|min|h|d)?"

_Timeout = Annotated[str, BeforeValidator(str), StringConstraints(pattern=f"^{_TIMEOUT}$")]

_FORMS = {
    "port": (re.compile(r"\d{1,5}"), 'a whole number ("{key}_env")'),
    "pool_max_conns": (re.compile(r"\d{1,5}"), 'a whole number ("{key}_env")'),
    "statement_timeout": (re.compile(_TIMEOUT), 'a duration ("{key}_env"); write it as 30s or 5min'),
    "db_sslnmode": (
        re.compile("|".join(get_args(SslMode))),
        'an SSL mode ("{key}_env"); known: ' + ", ".join(sorted(get_args(SslMode))),
    ),
}
"""The form that a value from the environment must have, and its name; pydantic checks values given directly."""


class PostgresConfig(Keys):
    """The `config` of a connection of type postgres: Teal's keys, and `statement_timeout`.

    Each key can also be given as `<key>_env`, the name of an environment variable. Files are relative to the project.
    """

    host: Text | None = None
    host_env: str | None = None
    port: _Port | None = None
    port_env: str | None = None
    database: Text | None = None
    database_env: str | None = None
    user: Text | None = None
    user_env: str | None = None
    password: Text | None = None
    password_env: str | None = None
    db_root_cert: str | None = None
    db_root_cert_env: str | None = None
    db_cert: str | None = None
    db_cert_env: str | None = None
    db_key: str | None = None
    db_key_env: str | None = None
    db_sslnmode: SslMode | None = None
    db_sslnmode_env: str | None = None
    pool_max_conns: Annotated[int, Field(ge=0)] | None = None
    pool_max_conns_env: str | None = None
    statement_timeout: _Timeout | None = None
    statement_timeout_env: str | None = None

    @model_validator(mode="after")
    def _values_from_environment(self) -> PostgresConfig:
        for key in type(self).model_fields:
            if not key.endswith("_env"):
                self._check(key, self.value(key))
        return self

    def _check(self, key: str, value: Any) -> None:
        fits, what = _FORMS.get(key, (None, ""))
        if fits is not None and value is not None and not fits.fullmatch(str(value)):
            raise ValueError(f'environment variable "{getattr(self, f"{key}_env")}" is not {what.format(key=key)}')

    def value(self, key: str) -> Any:
        """What was given for the key: in the environment, or else written out; None where nothing was.

        Raises `ValueError` for a variable that is not set.
        """
        variable = getattr(self, f"{key}_env")
        plain = getattr(self, key)
        return plain if variable is None else environment_value(f"{key}_env", variable, plain)
