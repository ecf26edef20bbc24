"""Settings, each from the environment variable `DAGSCOPE_<NAME>`; docs/settings.md describes every one."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dagscope.dag.events.log_limits import LogLimits
from dagscope.dag.project.loading_limits import LoadingLimits
from dagscope.dag.run.node_recording import FINGERPRINT_ROWS
from dagscope.storage.retention_limits import Retention


def _sendable(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise PydanticCustomError("token", "the token must be one line of printable ASCII characters")
    return token


def _free(organization: str) -> str:
    if organization == "dagster":
        message = "dagster cannot be an organization's name: /dagster/graphql is Dagster's own schema"
        raise PydanticCustomError("organization", message)
    return organization


class Dialect(StrEnum):
    """Whose shapes the HTTP API's answers have, if not those of the specification."""

    TEAL_V1 = "teal-v1"


class LogLevel(StrEnum):
    """How serious an entry is, from the least to the most."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def number(self) -> int:
        """The level's number in `logging`."""
        return logging.getLevelNamesMapping()[self.name]


class LogFormat(StrEnum):
    """The form of entries on the console: text for people, or one JSON object per line."""

    TEXT = "text"
    JSON = "json"


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _in_lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Settings(BaseSettings):
    """How the server runs. Units are in the names."""

    model_config = SettingsConfigDict(env_prefix="DAGSCOPE_", frozen=True)

    max_workers: int | None = Field(
        None, ge=1, description="Assets executed at once; default: `cores` of config.yaml, or the number of CPUs."
    )
    node_limit_s: float | None = Field(
        None, gt=0, description="Seconds that an asset may take, with its data tests; default: no limit."
    )
    node_rows: int | None = Field(None, ge=0, description="Rows that an asset may write; default: no limit.")
    post_wait_ms: int = Field(10_000, ge=0, description="How long a POST that executes something waits for its end.")
    read_limit_s: float = Field(
        60, gt=0, description="Seconds after which a read of a database for an answer is interrupted."
    )
    answer_rows: int | None = Field(None, ge=1, description="Rows that one answer may have; default: no limit.")
    answer_bytes: int = Field(10_000_000_000, ge=1_000, description="The largest answer that is sent.")
    answer_limit_s: float = Field(3_600, gt=0, description="Seconds that sending one answer may take.")
    body_limit_bytes: int = Field(1_048_576, ge=1, description="The largest request body that is read.")
    kept_violations: int = Field(1_000, ge=1, description="Violating rows kept of a failed data test.")
    message_chars: int = Field(100_000, ge=100, description="The longest message or error text; the rest is cut.")
    entry_chars: int = Field(100_000, ge=100, description="The longest fields of a log entry together.")
    task_entries: int = Field(100_000, ge=0, description="Log entries that the raw assets of an attempt may write.")
    waiting_tasks: int = Field(100, ge=0, description="Tasks that may wait while another one runs; 429 beyond.")
    fingerprint_rows: int = Field(
        FINGERPRINT_ROWS, ge=0, description="A relation with more rows has no fingerprint, only its rows are counted."
    )
    frame_bytes: int = Field(
        10_000_000_000, ge=1, description="The largest captured result of an asset or a data test."
    )
    frames_total_bytes: int = Field(
        100_000_000_000, ge=1, description="The largest size of all captured results together."
    )
    memory_bytes: int | None = Field(
        None, ge=100_000_000, description="The most memory that the process of runs may have; default: no limit."
    )
    store_logs: bool = Field(True, description="Keep log entries; `serve --no-log-store` turns it off.")
    read_only: bool = Field(
        False, description="Refuse what changes something with 403; `serve --read-only` turns it on."
    )
    dialect: Dialect | None = Field(
        None,
        description="Answer in these shapes; default: those of the specification. `teal-v1` are those of Teal 1.3.",
    )
    teal_ui: Path | None = Field(None, description="The folder of Teal's own UI, to serve it; with `teal-v1`.")
    fail_on_tests: bool | None = Field(
        None,
        description="Execute no downstream of an asset whose data tests failed; default: true, but not with `teal-v1`.",
    )
    keep_days: float | None = Field(
        None, ge=0, description="Delete older tasks, and older entries without a task; default: no limit."
    )
    keep_bytes: int | None = Field(
        None, ge=0, description="Delete the oldest tasks while all of them take more than this; default: no limit."
    )
    load_file_limit_bytes: int = Field(
        4_194_304, ge=8, description="The largest SQL file that is read; for Python and YAML files, an eighth of it."
    )
    load_file_limit_s: float = Field(1, gt=0, description="Processor time for rendering a template at load.")
    load_total_limit_bytes: int = Field(
        104_857_600, ge=8, description="The largest size of all files of a project together that are read."
    )
    load_total_limit_s: float = Field(60, gt=0, description="Processor time for loading a project.")
    heartbeat_s: float = Field(15, gt=0, description="Seconds between comments on a silent stream.")
    stalled_reader_s: float = Field(
        20, gt=0, description="Seconds after which the connection of a client that stops reading is closed."
    )
    slow_sender_s: float = Field(20, gt=0, description="Seconds in which a request must arrive completely; 408 after.")
    streams: int = Field(1_000, ge=1, description="Event streams that may be open at once; 429 beyond.")
    api_token: Annotated[SecretStr, AfterValidator(_sendable)] | None = Field(
        None, description="The token that clients must send; without one, only clients on this machine are answered."
    )
    organization: Annotated[str, AfterValidator(_free)] | None = Field(
        None, description="The only organization that clients may name; default: any."
    )
    deployment: str | None = Field(None, description="The only deployment that clients may name; default: any.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Names besides the loopback's that the server answers to, comma-separated."
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = Field(
        (), description="Origins of other pages that may send requests and read the answers, comma-separated."
    )
    log_level: Annotated[LogLevel, BeforeValidator(_in_lower_case)] = Field(
        LogLevel.INFO, description="The lowest level that `serve` shows on its console; `--debug` shows all."
    )
    log_format: Annotated[LogFormat, BeforeValidator(_in_lower_case)] | None = Field(
        None, description="The form of entries on the console; default: text on a terminal, JSON elsewhere."
    )
    debug: bool = Field(False, description="Show stacks of unexpected faults to clients; `serve --debug` turns it on.")

    @property
    def skips_after_failed_tests(self) -> bool:
        """Whether no downstream of an asset whose data tests failed is executed."""
        return self.fail_on_tests if self.fail_on_tests is not None else self.dialect is None

    @property
    def loading_limits(self) -> LoadingLimits:
        return LoadingLimits(
            self.load_file_limit_bytes, self.load_file_limit_s, self.load_total_limit_s, self.load_total_limit_bytes
        )

    @property
    def log_limits(self) -> LogLimits:
        return LogLimits(self.message_chars, self.entry_chars, self.task_entries)

    @property
    def retention(self) -> Retention:
        return Retention(self.keep_days, self.keep_bytes)
