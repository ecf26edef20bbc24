"""Raw assets: Python functions that take part in the DAG (contract, Projects)."""

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from dagscope.dag.connections import Connection, Session
from dagscope.dag.connections.arrow_types import plain
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.task_log import Log
from dagscope.dag.ground.breaking_off import Breaker, with_checks
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.error_text import error_text, named_error, traceback_of
from dagscope.dag.ground.errors import Cancelled, DagscopeError, InputMissing, RawAssetFailed
from dagscope.dag.ground.forked_children import children_end_here
from dagscope.dag.ground.frames import FrameStore, Result
from dagscope.dag.ground.json_text import json_text

_PACKAGE = "dagscope_raw"


class Inputs(dict[str, Any]):
    """Upstream names to their values: a frame is a pyarrow Table; `"__input__"` is the run's `data`, {} if none."""

    def __init__(self, asset: str, values: Mapping[str, Any], handing_over: frozenset[str] = frozenset()) -> None:
        super().__init__(values)
        self._asset, self._handing_over = asset, handing_over

    def __missing__(self, name: str) -> Any:
        if name in self._handing_over:
            raise InputMissing(f'no data of "{name}" is kept for "{self._asset}": run "{name}" first')
        raise InputMissing(
            f'"{name}" hands no data to "{self._asset}": name it in raw_upstreams and set is_data_framed: true on it'
        )


class RawConnection:
    """A project's connection as a raw asset sees it; it lasts until the asset ends."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def execute(self, sql: str) -> int:
        """Run one or several statements; the rows that the last one wrote."""
        return self._session.execute(sql)

    def query(self, sql: str) -> pa.Table:
        """The rows of a query."""
        return self._session.read(sql).read_all()

    def write(self, table: str, data: Any) -> int:
        """Create or replace a table with a pyarrow Table or anything with `__arrow_c_stream__`."""
        return self._session.write(table, plain(pa.RecordBatchReader.from_stream(data)))


@dataclass(frozen=True)
class RawContext:
    """What a raw asset's `execute(context)` is given."""

    task_id: str
    task_uuid: str
    instance_name: str
    instance_uuid: str
    input: Inputs
    log: Log
    connection: Callable[[str], RawConnection]


def opened_connections(
    connections: Mapping[str, Connection], cancellation: Cancellation, statements: StatementLog, stack: ExitStack
) -> Callable[[str], RawConnection]:
    """The `connection` of a context: sessions opened when first asked for, closed with the stack."""
    opened: dict[str, RawConnection] = {}

    def connection(name: str) -> RawConnection:
        if name not in connections:
            known = ", ".join(sorted(connections))
            raise RawAssetFailed(f'unknown connection "{name}"; known: {known}')
        if name not in opened:
            opened[name] = RawConnection(stack.enter_context(connections[name].session(cancellation, statements)))
        return opened[name]

    return connection


def execute(
    file: Path, folder: Path, context: RawContext, frames: FrameStore, cancellation: Cancellation
) -> Result | None:
    """Run the `execute` function of a raw asset's file, read afresh, and keep what it returns.

    It can import what lies in the project's folder. Raises `RawAssetFailed` with the line of the file, or `Cancelled`.
    """
    _make_importable(folder)
    try:
        with cancellation.breaking_off(partial(_is_own, folder)) as breaker:
            with children_end_here():
                value = _load(file, breaker)(context)
            return _keep(value, frames)
    except Cancelled:
        raise
    except BaseException as error:  # SystemExit among them: no asset ends dagscope
        reason = error_text(error) if issubclass(type(error), DagscopeError) else named_error(error)
        raise RawAssetFailed(reason + _place(error, file)) from error


_path_lock = threading.Lock()  # raw assets are executed at the same time


def _make_importable(folder: Path) -> None:
    """Put a folder on the path of imports, once: after the standard library, before installed packages."""
    entry, library = str(folder), Path(os.__file__).parent
    with _path_lock:
        if entry in sys.path:
            return
        of_library = (str(library), str(library / "lib-dynload"))
        after = max((place for place, name in enumerate(sys.path) if name in of_library), default=-1)
        sys.path.insert(after + 1, entry)


def _is_own(folder: Path, filename: str) -> bool:
    """If a file of Python is the project's, and not a library that is installed in its folder."""
    return filename.startswith(f"{folder}{os.sep}") and "site-packages" not in filename


def _load(file: Path, breaker: Breaker) -> Callable[[RawContext], Any]:
    stage = f"{_PACKAGE}.{file.parent.name}"
    module = ModuleType(f"{stage}.{file.stem}")
    module.__file__ = str(file)
    for name in (_PACKAGE, stage):  # pickle imports a module by its packages
        sys.modules.setdefault(name, ModuleType(name))
    sys.modules[module.__name__] = module  # dataclasses and pickle look their module up by name
    code = with_checks(file.read_bytes(), str(file))
    breaker.check_in(module.__dict__)
    exec(code, module.__dict__)  # noqa: S102  running the project's Python is what a raw asset is
    function: Callable[[RawContext], Any] = module.__dict__["execute"]
    return function


def _place(error: BaseException, file: Path) -> str:
    lines = [frame.lineno for frame in traceback.extract_tb(traceback_of(error)) if frame.filename == str(file)]
    return f" ({file.name}:{lines[-1]})" if lines else ""


def _keep(value: Any, frames: FrameStore) -> Result | None:
    if value is None:
        return None
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    if hasattr(value, "__arrow_c_stream__"):
        return frames.write(plain(pa.RecordBatchReader.from_stream(value)))
    try:
        text = json_text(value)
    except TypeError as error:
        raise RawAssetFailed(
            f"execute returned what cannot be kept: {error}; return rows, a dict, a list, a scalar or None"
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
    text = json_text(value)  # scalars of other types are what their JSON is
    return "string" if text.startswith('"') else "boolean" if text in ("true", "false") else "number"
