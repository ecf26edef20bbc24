"""Executing one asset in one task: inputs, materialization, capture."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dagscope.dag.connections import RelationKind, Session
from dagscope.dag.events.captured_entries import raw_asset_writes_to
from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.statements import StatementLog
from dagscope.dag.events.task_log import RawAssetLog, TaskLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import InputMissing, ResultMissing
from dagscope.dag.ground.frames import Frame, FrameStore, Result, Value
from dagscope.dag.ground.row_limit import RowLimit
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project, hands_over_frames
from dagscope.dag.run import project_modules, raw_assets, raw_connections
from dagscope.dag.run.node_recording import NodeRecording
from dagscope.dag.run.process_state import ProcessState

_MODULES = ("modules",)


class Once:
    """Work that an attempt does once, when the first asset needs it: creating schemas, writing frames for readers."""

    def __init__(self) -> None:
        self._locks: defaultdict[tuple[str, ...], threading.Lock] = defaultdict(threading.Lock)
        self._done: set[tuple[str, ...]] = set()

    def do(self, what: tuple[str, ...], act: Callable[[], None]) -> None:
        """Do it unless it was done; concurrent callers wait. If it raises, the next caller tries again."""
        with self._locks[what]:
            if what not in self._done:
                act()
                self._done.add(what)

    def undo(self, what: tuple[str, ...]) -> None:
        """Do it once more, for the next caller."""
        with self._locks[what]:
            self._done.discard(what)


@dataclass(frozen=True)
class AssetExecution:
    """Executes assets of one attempt; `results` are the captured results of upstreams, by name.

    What an execution leaves is recorded in a `NodeRecording`, as far as it gets.
    """

    project: Project
    frames: FrameStore
    task: TaskValues
    cancellation: Cancellation
    once: Once
    process: ProcessState
    most_rows: int | None = None
    """That an asset may write."""

    def execute(
        self,
        asset: Asset,
        results: Mapping[str, Result | None],
        log: TaskLog,
        statements: StatementLog,
        recording: NodeRecording,
    ) -> NodeFacts:
        """Execute one asset and return what is stored of it. Raises a `DagscopeError`, such as `Cancelled`.

        The statements that it sends are recorded in `statements`, whether they succeed or fail.
        """
        self.cancellation.check()
        if asset.is_raw:
            return self._raw(asset, results, log, statements, recording)
        return self._sql(asset, results, statements, recording)

    def with_files_of(self, project: Project) -> "AssetExecution":
        """The same with the files of this project, whose Python is read again."""
        self.once.undo(_MODULES)
        return replace(self, project=project)

    def _sql(
        self, asset: Asset, results: Mapping[str, Result | None], statements: StatementLog, recording: NodeRecording
    ) -> NodeFacts:
        connection = self.project.connections[asset.connection]
        with connection.session(self.cancellation, statements) as session:
            session.row_limit = RowLimit(self.most_rows)
            existing = session.relation_kind(asset.name) if _appends(asset) else None
            sql = self.project.asset_sql(asset, self.task, incremental=existing is RelationKind.TABLE)
            assert asset.template is not None
            recording.coded(asset.template.source, sql)
            recording.ran_in(connection, session)
            self._persist_inputs(asset, results, session)
            self._create_schema(asset.connection, session, asset.stage)
            if asset.materialization is Materialization.CUSTOM and asset.is_data_framed:
                facts = self._framed_custom(asset, sql, session)
            else:
                rows = session.materialize(asset, sql, existing, self.project.graph.below(asset.name))
                facts = NodeFacts(rows=rows, result=self._capture(asset, session), has_relation=True)
        return facts

    def _framed_custom(self, asset: Asset, sql: str, session: Session) -> NodeFacts:
        """The result is what the last statement returns; if it returns nothing, the relation that the asset created."""
        rows = session.run_custom(asset, sql)
        if rows is None and session.relation_kind(asset.name) is None:
            raise ResultMissing(
                f'"{asset.name}" has is_data_framed: true, but its last statement returns no rows, and it creates no '
                f"{session.dialect.relation(asset.name)}; end it with a query"
            )
        frame = (
            self.frames.write(session.row_limit.watched(rows)) if rows is not None else self._capture(asset, session)
        )
        session.refuse_open_transaction()
        return NodeFacts(rows=frame.rows if frame else None, result=frame, has_relation=True)

    def select(self, asset: Asset, results: Mapping[str, Result | None], statements: StatementLog) -> NodeFacts:
        """Run a SQL asset's query and store its rows; changes nothing in the database. Raises a `DagscopeError`."""
        self.cancellation.check()
        with self.project.connections[asset.connection].session(self.cancellation, statements) as session:
            existing = session.relation_kind(asset.name) if _appends(asset) else None
            sql = self.project.asset_sql(asset, self.task, incremental=existing is RelationKind.TABLE)
            inputs = {
                session.dialect.input_relation(upstream): self.frames.stream(frame.digest)
                for upstream, frame in self._inputs_to_persist(asset, results)
            }
            with session.selecting(sql, inputs) as rows:
                frame = self.frames.write(rows)
        return NodeFacts(result=frame)

    def preview(self, asset: Asset, _: Mapping[str, Result | None], statements: StatementLog) -> NodeFacts:
        """Store the rows of a SQL asset's relation; changes nothing in the database. Raises a `DagscopeError`."""
        self.cancellation.check()
        with self.project.connections[asset.connection].session(self.cancellation, statements) as session:
            sql = f"SELECT * FROM {session.dialect.relation(asset.name)}"
            with session.selecting(sql, {}) as rows:
                frame = self.frames.write(rows)
        return NodeFacts(result=frame)

    def _create_schema(self, connection: str, session: Session, stage: str) -> None:
        self.once.do(("schema", connection, stage), partial(session.create_schema, stage))

    def _prepare_write(self, connection: str, session: Session, table: str) -> None:
        """Create the schema of a raw asset's table if it is a stage of the project.

        Not inside a transaction of the asset: if that were rolled back, the schema would be gone again.
        """
        schema = table.partition(".")[0].strip('"')
        is_stage = any(asset.stage == schema for asset in self.project.assets.values())
        if is_stage and not session.in_transaction:
            self._create_schema(connection, session, schema)

    def _persist_inputs(self, asset: Asset, results: Mapping[str, Result | None], session: Session) -> None:
        for upstream, frame in self._inputs_to_persist(asset, results):
            self.once.do(("input", asset.connection, upstream), partial(self._write_input, session, upstream, frame))

    def _write_input(self, session: Session, upstream: str, frame: Frame) -> None:
        session.write(session.dialect.input_relation(upstream), self.frames.stream(frame.digest))

    def _inputs_to_persist(self, asset: Asset, results: Mapping[str, Result | None]) -> Iterator[tuple[str, Frame]]:
        """The frames that the asset's SQL reads as tables. Raises `InputMissing`."""
        if not asset.persist_inputs:
            return
        for upstream in asset.upstreams:
            if not hands_over_frames(self.project.assets[upstream]):
                continue
            result = results.get(upstream)
            if not isinstance(result, Frame):
                raise InputMissing(_no_frame(asset.name, upstream, result))
            yield upstream, result

    def _capture(self, asset: Asset, session: Session) -> Frame | None:
        if not asset.is_data_framed:
            return None
        return self.frames.write(session.read(f"SELECT * FROM {session.dialect.relation(asset.name)}"))

    def _raw(
        self,
        asset: Asset,
        results: Mapping[str, Result | None],
        log: TaskLog,
        statements: StatementLog,
        recording: NodeRecording,
    ) -> NodeFacts:
        self.once.do(_MODULES, self._refresh_modules)
        file = self.project.folder / asset.path
        with suppress(OSError):  # reported when the file is loaded
            source = file.read_text(encoding="utf-8", errors="replace")
            self.project.redaction.learn(source)
            recording.coded(source, "")
            recording.ran_in_python()
        limit = RowLimit(self.most_rows)
        connections = raw_connections.RawConnections(
            self.project.connections, self.cancellation, statements, self._prepare_write, limit
        )
        with ExitStack() as stack:
            stack.callback(connections.end)
            context = raw_assets.RawContext(
                task_id=self.task.task_id,
                task_uuid=self.task.task_uuid,
                instance_name=self.task.instance_name,
                instance_uuid=self.task.instance_uuid,
                input=self._raw_inputs(asset, results),
                log=RawAssetLog(log),
                connection=connections,
            )
            with raw_asset_writes_to(log), self.process.restored():
                result = raw_assets.execute(file, self.project.folder, context, self.frames, self.cancellation, limit)
            connections.refuse_open_transactions()
        recording.returned(result)
        return NodeFacts(rows=result.rows if isinstance(result, Frame) else None, result=result)

    def _refresh_modules(self) -> None:
        project_modules.refresh(self.project.folder)
        self.process.read_again()  # the import path, for example, now has the project's folder
        for source in project_modules.library_sources(self.project.folder):
            self.project.redaction.learn(source.decode("utf-8", "replace"))

    def _raw_inputs(self, asset: Asset, results: Mapping[str, Result | None]) -> raw_assets.Inputs:
        values: dict[str, Any] = {"__input__": dict(self.task.data or {})}
        for upstream in asset.upstreams:
            result = results.get(upstream)
            if isinstance(result, Frame):
                values[upstream] = self.frames.read(result.digest)
            elif result is not None:
                values[upstream] = self.frames.read_value(result.digest)
            elif upstream in results and self.project.assets[upstream].is_raw:
                values[upstream] = None
        handing_over = frozenset(name for name in asset.upstreams if hands_over_frames(self.project.assets[name]))
        return raw_assets.Inputs(asset.name, values, handing_over)


def _appends(asset: Asset) -> bool:
    return asset.materialization is Materialization.INCREMENTAL


def _no_frame(asset: str, upstream: str, result: Value | None) -> str:
    if result is None:
        return f'no frame of "{upstream}" is stored for "{asset}": run "{upstream}" first'
    article = "an" if result.data_type == "array" else "a"
    return f'"{asset}" needs rows from "{upstream}", which returned {article} {result.data_type}'
