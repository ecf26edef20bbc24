"""Putting together what a node leaves: its code while it is executed, also if it fails, and its relation later."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from msgspec.structs import replace

from dagscope.dag.connections import Connection, Session
from dagscope.dag.connections.relation_records import RelationRecord, Wanted
from dagscope.dag.events.events import NodeFacts
from dagscope.dag.events.node_records import Code, NodeRecord, RecordedColumn, frame_fingerprint
from dagscope.dag.ground.error_text import error_text
from dagscope.dag.ground.errors import Cancelled, DagscopeError, FrameNotStored
from dagscope.dag.ground.frames import Frame, FrameStore, Result
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.model.assets import Asset
from dagscope.dag.model.capture import DEFAULT_CAPTURE, Capture
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.redaction.masking import masked
from dagscope.dag.redaction.redaction import Redaction

MOST_CAPTURED_BYTES = 50_000_000  # of an asset; unless all rows are asked for, not many more are captured
FINGERPRINT_ROWS = 1_000_000
"""By default, relations with more rows have no fingerprint."""


def code_of(redaction: Redaction, source: str, sql: str = "") -> Code:
    """The code as it is stored, with secrets hidden."""
    return Code.of(redaction.text(source), redaction.text(sql))


class NodeRecording:
    """The record of one node; `kept` once it has ended. None if its code could not even be read."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self.kept: NodeRecord | None = None

    def coded(self, source: str, sql: str) -> None:
        """The code that is about to be executed."""
        self.kept = NodeRecord(code=code_of(self._redaction, source, sql))

    def read(self, upstreams: Mapping[str, str]) -> None:
        """The fingerprints of what it read."""
        if self.kept is not None:
            self._change(upstreams=upstreams)

    def ran_in(self, connection: Connection, session: Session) -> None:
        """The database that it is executed in."""
        settings = json_text(self._redaction.value(dict(connection.settings)))
        self._change(engine=session.engine_version, settings=settings)

    def ran_in_python(self) -> None:
        """It is Python that is executed."""
        self._change(engine=f"python {platform.python_version()}")

    def returned(self, result: Result | None) -> None:
        """What the Python returned, as it is stored."""
        if isinstance(result, Frame):
            columns = tuple(RecordedColumn(name, "") for name in result.columns)
            self._change(columns=columns, rows=result.rows)
        if result is not None:
            self._change(fingerprint=frame_fingerprint(result.digest))

    def has_relation(self, relation: RelationRecord) -> None:
        """Its relation, after it was written."""
        found = {"columns": relation.columns, "rows": relation.rows, "fingerprint": relation.fingerprint}
        captured = self.kept.captured if self.kept else None
        self._change(**found, is_whole=captured is not None and captured.rows == relation.rows)

    def captured(self, frame: Frame) -> None:
        """Rows of its relation, from the first one on."""
        self._change(captured=frame)

    def has_not(self, reason: str) -> None:
        """Its relation could not be recorded."""
        self._change(note=self._redaction.text(reason))

    def _change(self, **values: object) -> None:
        assert self.kept is not None
        self.kept = replace(self.kept, **values)


@dataclass(frozen=True)
class RelationRecording:
    """Records relations once they are written. What cannot be recorded leaves a note, and fails no asset.

    `mask` are the columns whose values are not captured, `capture` takes precedence over what the project asks for.
    """

    frames: FrameStore
    fingerprint_rows: int
    mask: tuple[str, ...]
    capture: Capture | None = None

    def record(self, asset: Asset, session: Session, facts: NodeFacts, recording: NodeRecording) -> None:
        """Record the asset's relation, of which these facts are known. Raises `Cancelled`."""
        try:
            if asset.materialization is Materialization.CUSTOM and session.relation_kind(asset.name) is None:
                return
            recording.has_relation(session.recorded(asset.name, self._wanted(asset, facts, recording)))
        except Cancelled:
            raise
        except DagscopeError as error:
            recording.has_not(error_text(error))

    def _wanted(self, asset: Asset, facts: NodeFacts, recording: NodeRecording) -> Wanted | None:
        """A view is only executed for this if someone asks for its rows: what it reads is recorded."""
        asked, is_view = self.capture or asset.capture, asset.materialization is Materialization.VIEW
        if is_view and (asked is None or asked.rows == 0):
            return None
        is_whole = asset.materialization is Materialization.TABLE
        return Wanted(
            rows=facts.rows if is_whole else None,
            fingerprint_rows=self.fingerprint_rows,
            captured_rows=0 if asset.is_data_framed else (asked or DEFAULT_CAPTURE).rows,
            keep=lambda rows: self._keep(rows, recording, asked),
            is_view=is_view,
        )

    def _keep(self, rows: pa.RecordBatchReader, recording: NodeRecording, asked: Capture | None) -> None:
        all_of_them = asked is not None and asked.rows is None
        try:
            recording.captured(
                self.frames.capture(masked(rows, self.mask), None if all_of_them else MOST_CAPTURED_BYTES)
            )
        except FrameNotStored as error:
            recording.has_not(error_text(error))
