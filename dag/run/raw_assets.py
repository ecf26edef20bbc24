"""Raw assets: Python functions that take part in the DAG (contract, Projects)."""

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from dagscope.dag.connections.arrow_types import from_python
from dagscope.dag.events.task_log import Log
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import error_text, named_error, traceback_of
from dagscope.dag.ground.errors import Cancelled, DagscopeError, InputMissing, RawAssetFailed
from dagscope.dag.ground.forked_children import children_end_here
from dagscope.dag.ground.frames import FrameStore, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.memory_limit import naming_memory_limit
from dagscope.dag.ground.row_limit import RowLimit
from dagscope.dag.run import project_modules
from dagscope.dag.run.raw_connections import RawConnection


class Inputs(dict[str, Any]):
    """Upstream names to values: a frame is a pyarrow Table; `"__input__"` is the run's `data`, {} if it has no data."""

    def __init__(self, asset: str, values: Mapping[str, Any], handing_over: frozenset[str] = frozenset()) -> None:
        super().__init__(values)
        self._asset, self._handing_over = asset, handing_over

    def __missing__(self, name: str) -> Any:
        if name in self._handing_over:
            raise InputMissing(f'no data of "{name}" is stored for "{self._asset}": run "{name}" first')
        raise InputMissing(
            f'"{name}" passes no data to "{self._asset}": list it in raw_upstreams and set is_data_framed: true on it'
        )


@dataclass(frozen=True)
class RawContext:
    """The argument of a raw asset's `execute(context)`."""

    task_id: str
    task_uuid: str
    instance_name: str
    instance_uuid: str
    input: Inputs
    log: Log
    connection: Callable[[str], RawConnection]


def execute(
    file: Path, folder: Path, context: RawContext, frames: FrameStore, cancellation: Cancellation, limit: RowLimit
) -> Result | None:
    """Read a raw asset's file, run its `execute` function and store what it returns.

    The project's modules are those of the last `project_modules.refresh`. Raises `RawAssetFailed` with the line of the
    file, or `Cancelled`.
    """
    tracing, profiling = sys.gettrace(), sys.getprofile()
    try:
        with cancellation.breaking_off(partial(project_modules.is_own, folder)) as breaker:
            with children_end_here():
                try:
                    value = project_modules.load_asset(folder, file, breaker).execute(context)
                finally:  # here, before any function is called: what the asset left could raise in it, or never return
                    try:
                        sys.setprofile(profiling)
                    finally:
                        sys.settrace(tracing)
            return _keep(value, frames, limit)
    except BaseException as error:  # including SystemExit: an asset must not end dagscope
        if issubclass(type(error), Cancelled) and cancellation.is_requested:
            raise
        raise RawAssetFailed(_reason(error) + _place(error, file, folder)) from error


def _reason(error: BaseException) -> str:
    text = error_text(error) if issubclass(type(error), DagscopeError) else ""
    reason = text or named_error(error)
    return naming_memory_limit(reason) if issubclass(type(error), MemoryError) else reason


def _place(error: BaseException, file: Path, folder: Path) -> str:
    """The line of the asset's file, and the last one of another file of the project that it called."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(traceback_of(error))]
    places = [f"{file.name}:{line}" for path, line in frames if path == file][-1:]
    inside = [(path, line) for path, line in frames if project_modules.is_own(folder, str(path))]
    if inside and inside[-1][0] != file:
        path, line = inside[-1]
        places.append(f"{path.relative_to(folder).as_posix()}:{line}")
    return f" ({', '.join(places)})" if places else ""


def _keep(value: Any, frames: FrameStore, limit: RowLimit) -> Result | None:
    if value is None:
        return None
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if hasattr(value, "__arrow_c_stream__"):
        return frames.write(limit.watched(from_python(value)))
    try:
        text = json_text(value)
    except TypeError as error:
        raise RawAssetFailed(
            f"execute returned a value that cannot be stored: {error}; return rows, a dict, a list, a scalar or None"
        ) from error
    return frames.write_value(text, _data_type(value))


def _data_type(value: Any) -> str:
    match value:
        case Mapping():
            return "map"
        case list() | tuple() | set() | frozenset():
            return "array"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
    text = json_text(value)  # the JSON of other scalars shows their type
    return "string" if text.startswith('"') else "boolean" if text in ("true", "false") else "number"
