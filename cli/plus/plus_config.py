"""The configuration of `dg plus`, shared with Dagster's own `dg`: one login serves both (contract, Run events).

It is the table `cli.plus` of the user's dg.toml (`DG_CLI_CONFIG`), or all of `DAGSTER_CLOUD_CLI_CONFIG` if that file
exists. The variables `DAGSTER_CLOUD_URL`, `_ORGANIZATION`, `_DEPLOYMENT` and `_API_TOKEN` take precedence over both.
"""

import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

CLOUD_URL = "https://dagster.cloud"
"""The server of an organization if no `url` is given."""


class ConfigUnusable(Exception):
    """The configuration is missing or invalid. The text says what to do."""


@dataclass(frozen=True)
class PlusConfig:
    """Which server to query, and with which credentials; "" for a value that is not configured."""

    url: str = ""
    organization: str = ""
    default_deployment: str = ""
    user_token: str = ""

    @property
    def graphql_url(self) -> str:
        """`{url}/{organization}/graphql`, or `{url}/graphql` if there is no organization."""
        base = (self.url or CLOUD_URL).rstrip("/")
        return f"{base}/{quote(self.organization, safe='')}/graphql" if self.organization else f"{base}/graphql"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the spec (GraphQL Client Headers), except those without a value."""
        headers = {
            "Dagster-Cloud-Api-Token": self.user_token,
            "Dagster-Cloud-Organization": self.organization,
            "Dagster-Cloud-Deployment": self.default_deployment,
        }
        return {name: value for name, value in headers.items() if value}


def read_config() -> PlusConfig:
    """The configuration from the file and the environment. Raises `ConfigUnusable` if it names no server."""
    config = stored_config()
    values = {
        "url": os.environ.get("DAGSTER_CLOUD_URL") or config.url,
        "organization": os.environ.get("DAGSTER_CLOUD_ORGANIZATION") or config.organization,
        "default_deployment": os.environ.get("DAGSTER_CLOUD_DEPLOYMENT") or config.default_deployment,
        "user_token": os.environ.get("DAGSTER_CLOUD_API_TOKEN") or config.user_token,
    }
    if not values["url"] and not values["organization"]:
        raise ConfigUnusable(
            "`dg plus` commands require authentication with Dagster Plus. Run `dg plus login` to authenticate."
        )
    return PlusConfig(**values)


def checked_url(url: str) -> str:
    """The address of a server without a trailing slash. Raises `ConfigUnusable` if it is invalid."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigUnusable(f"the url must look like http://127.0.0.1:8080, found {url!r}")
    return url.rstrip("/")


def stored_config() -> PlusConfig:
    """The configuration from the file only; empty if there is no file. Raises `ConfigUnusable`."""
    stored = _stored()
    values = stored.values if stored is not None else {}
    known = {key: str(values[key]) for key in PlusConfig.__dataclass_fields__ if values.get(key) is not None}
    return PlusConfig(**known)


def write_config(config: PlusConfig) -> Path:
    """Write the configuration to its current file, or to dg.toml. Returns the file, which only its owner can read.

    Keeps everything else that the file contains. Raises `ConfigUnusable` or `OSError`.
    """
    stored = _stored()
    values = {key: getattr(config, key) for key in PlusConfig.__dataclass_fields__}
    path = (stored.path if stored is not None else _dg_path()).resolve()  # a link stays a link
    if stored is not None and not stored.is_dg_file and path.suffix != ".toml":
        text = _yaml_with(path, values)
    else:
        text = _toml_with(path, values, () if stored is not None and not stored.is_dg_file else ("cli", "plus"))
    _replace(path, text)
    return path


@dataclass(frozen=True)
class _Stored:
    path: Path
    values: Mapping[str, Any]
    is_dg_file: bool


def _dg_path() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get("DG_CLI_CONFIG") or Path(folder) / "dg.toml")


def _cloud_path() -> Path:
    return Path(os.environ.get("DAGSTER_CLOUD_CLI_CONFIG") or Path.home() / ".dagster_cloud_cli" / "config")


def _stored() -> _Stored | None:
    dg_path, cloud_path = _dg_path(), _cloud_path()
    dg_values = _table(_load(dg_path), "cli", "plus") if dg_path.exists() else None
    if cloud_path.exists():
        if dg_values:
            raise ConfigUnusable(
                f"Found Dagster Plus config in both {dg_path} and {cloud_path}. Please consolidate your config files."
            )
        return _Stored(cloud_path, _load(cloud_path), is_dg_file=False)
    return _Stored(dg_path, dg_values, is_dg_file=True) if dg_values is not None else None


def _load(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else _from_yaml(text)
    except (OSError, ValueError) as error:
        raise ConfigUnusable(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigUnusable(f"{path} must contain keys and values")
    return values


def _from_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any] | None:
    for key in keys:
        values = values.get(key, None)
        if not isinstance(values, dict):
            return None
    return values


def _toml_with(path: Path, values: Mapping[str, str], keys: tuple[str, ...]) -> str:
    import tomlkit

    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    table: Any = document
    for key in keys:
        if key not in table:
            table[key] = tomlkit.table(is_super_table=key != keys[-1])
        table = table[key]
    _update(table, values)
    return tomlkit.dumps(document)


def _yaml_with(path: Path, values: Mapping[str, str]) -> str:
    import yaml

    document = dict(_load(path))
    _update(document, values)
    return yaml.safe_dump(document, sort_keys=False)


def _update(table: Any, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        if value:
            table[key] = value
        else:
            table.pop(key, None)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # created with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
