"""Raw assets: Python functions that take part in the DAG (contract, Projects)."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from dagscope.dag.connections.arrow_types import from_python
from dagscope.dag.events.task_log import Log
from dagscope.dag.ground.breaking_off import Breaker, with_checks
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import error_text, named_error, traceback_of
from dagscope.dag.ground.errors import Cancelled, DagscopeError, InputMissing, RawAssetFailed
from dagscope.dag.ground.forked_children import children_end_here
from dagscope.dag.ground.frames import FrameStore, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.row_limit import RowLimit
from dagscope.dag.run.raw_connections import RawConnection

_PACKAGE = "dagscope_raw"


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

    It can import from the project's folder. Raises `RawAssetFailed` with the line of the file, or `Cancelled`.
    """
    _make_importable(folder)
    try:
        with cancellation.breaking_off(partial(_is_own, folder)) as breaker:
            with children_end_here():
                value = _load(file, breaker)(context)
            return _keep(value, frames, limit)
    except BaseException as error:  # including SystemExit: an asset must not end dagscope
        if issubclass(type(error), Cancelled) and cancellation.is_requested:
            raise
        raise RawAssetFailed(_reason(error) + _place(error, file)) from error


def _reason(error: BaseException) -> str:
    text = error_text(error) if issubclass(type(error), DagscopeError) else ""
    return text or named_error(error)


_path_lock = threading.Lock()  # raw assets run concurrently


def _make_importable(folder: Path) -> None:
    """Add a folder to the import path, once: after the standard library, before installed packages."""
    entry, library = str(folder), Path(os.__file__).parent
    with _path_lock:
        if entry in sys.path:
            return
        of_library = (str(library), str(library / "lib-dynload"))
        after = max((place for place, name in enumerate(sys.path) if name in of_library), default=-1)
        sys.path.insert(after + 1, entry)


def _is_own(folder: Path, filename: str) -> bool:
    """Whether a Python file is the project's own, and not of a library that is installed in its folder."""
    return filename.startswith(f"{folder}{os.sep}") and "site-packages" not in filename


def _load(file: Path, breaker: Breaker) -> Callable[[RawContext], Any]:
    stage = f"{_PACKAGE}.{file.parent.name}"
    module = ModuleType(f"{stage}.{file.stem}")
    module.__file__ = str(file)
    for name in (_PACKAGE, stage):  # pickle imports a module by its packages
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules[module.__name__] = module  # dataclasses and pickle look up their module by name
    code = with_checks(file.read_bytes(), str(file))
    breaker.check_in(module.__dict__)
    exec(code, module.__dict__)  # noqa: S102  running the project's Python is what a raw asset is
    function: Callable[[RawContext], Any] = module.__dict__["execute"]
    return function


def _place(error: BaseException, file: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(traceback_of(error)) if frame.filename == str(file)]
    return f" ({file.name}:{lines[-1]})" if lines else ""


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
