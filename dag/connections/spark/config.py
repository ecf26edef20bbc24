"""The `config` of a Spark connection in config.yaml."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StrictBool, model_validator

from dagscope.dag.connections.spark.formats import FORMATS
from dagscope.dag.model.file_shapes import Keys, Text, environment_value

DEFAULT_PORT = 15_002

_WHOLE_NUMBER = re.compile(r"\d{1,5}")
_BOOLEANS = {"true": True, "false": False}


def _replaceable(value: Any) -> Any:
    if value not in FORMATS:
        known = " or ".join(FORMATS)
        raise ValueError(
            f'tables of the format "{value}" cannot be replaced in one step: readers would find them empty, and a '
            f"statement that fails would destroy the old rows; use {known}"
        )
    return value


class SparkConfig(Keys):
    """The `config` of a connection of type spark: a URL, or host, port and the like.

    Each key that says where the server is can also be given as `<key>_env`, the name of an environment variable.
    """

    url: Text | None = None
    url_env: str | None = None
    host: Text | None = None
    host_env: str | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    port_env: str | None = None
    token: Text | None = None
    token_env: str | None = None
    user: Text | None = None
    user_env: str | None = None
    tls: StrictBool | None = None
    tls_env: str | None = None
    catalog: Text | None = None
    catalog_env: str | None = None
    table_format: Annotated[str, BeforeValidator(_replaceable)] = next(iter(FORMATS))
    max_concurrent: Annotated[int, Field(ge=1, le=1_000)] = 32

    @model_validator(mode="after")
    def _place_is_clear(self) -> SparkConfig:
        for key in type(self).model_fields:
            if f"{key}_env" in type(self).model_fields:
                self.value(key)
        url = self.value("url")
        if url is not None:
            _check_url(url)
            besides = [key for key in ("host", "port", "token", "user", "tls") if self.value(key) is not None]
            if besides:
                raise ValueError(f'"url" and "{besides[0]}" exclude each other; a URL contains everything')
        return self

    def value(self, key: str) -> Any:
        """What was given for the key: in the environment, or else written out; None where nothing was.

        Raises `ValueError` for a variable that is not set, or whose value does not fit.
        """
        variable, plain = getattr(self, f"{key}_env"), getattr(self, key)
        if variable is None:
            return plain
        value = environment_value(f"{key}_env", variable, plain)
        if key == "port" and not (_WHOLE_NUMBER.fullmatch(str(value)) and 1 <= int(value) <= 65_535):
            raise ValueError(f'environment variable "{variable}" is not a port ("port_env")')
        if key == "tls" and str(value).lower() not in _BOOLEANS:
            raise ValueError(f'environment variable "{variable}" is neither true nor false ("tls_env")')
        return int(value) if key == "port" else _BOOLEANS[str(value).lower()] if key == "tls" else value


def _check_url(url: str) -> None:
    """The form that Spark Connect's clients share: `sc://host:port/;token=...;use_ssl=true`."""
    example = "write it as sc://host:port/;token=...;use_ssl=true"
    if not url.startswith("sc://"):
        raise ValueError(f'"url" does not begin with sc://; {example}')
    try:
        parts = urlsplit("http" + url[2:])
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f'"url" has no valid host and port; {example}') from None
    if not host:
        raise ValueError(f'"url" has no host; {example}')
    path, _, parameters = parts.path.partition(";")
    if path not in ("", "/") or not all(part.count("=") == 1 for part in parameters.split(";") if part):
        raise ValueError(f'"url" has a path, or a parameter without a value; {example}')
