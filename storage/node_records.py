"""Reading what executions have left: the records of a task's assets, the code that it ran, and the last green task."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import select, text, true
from sqlmodel import col

from dagscope.dag.events.node_records import Code, RecordedColumn
from dagscope.dag.ground.frames import Frame
from dagscope.storage import tables
from dagscope.storage.rows import Rows

LOOKED_AT_TASKS = 200  # before a task, of which one may be the last green or fast one


@dataclass(frozen=True)
class KeptRecord:
    """What the newest execution of an asset in a task left; texts are JSON (`storage/tables.py:NodeRecord`)."""

    code: str
    engine: str
    settings: str
    columns: tuple[RecordedColumn, ...] | None
    rows: int | None
    fingerprint: str | None
    upstreams: Mapping[str, str]
    captured: Frame | None
    is_whole: bool
    note: str


class NodeRecords(Rows):
    """The records at one moment. Read-only."""

    async def of_task(self, task_id: str, attempt: int, asset: str | None = None) -> dict[str, KeptRecord]:
        """By asset: what an attempt left, and what earlier attempts left of those that it did not execute.

        With `asset`, only that of this one.
        """
        record, frame = tables.NodeRecord, tables.Frame
        rows = await self.rows(
            select(
                *(col(column) for column in (record.asset_name, record.code_digest, record.engine, record.settings)),
                *(col(column) for column in (record.columns, record.rows, record.fingerprint, record.upstreams)),
                *(col(column) for column in (record.captured_digest, record.is_whole, record.note)),
                col(frame.rows),
                col(frame.columns),
            )
            .outerjoin(frame, col(record.captured_digest) == col(frame.digest))
            .where(col(record.task_id) == task_id, col(record.attempt) <= attempt)
            .where(col(record.asset_name) == asset if asset is not None else true())
            .order_by(col(record.attempt))
        )
        return {name: _record(*values) for name, *values in rows}

    async def test_codes(self, task_id: str, attempt: int) -> dict[tuple[str, str], str]:
        """The digest of the code of each data test that a task ran, by its asset ("" for a root test) and its name."""
        result = tables.DataTestResult
        rows = await self.rows(
            select(col(result.asset_name), col(result.test_name), col(result.code_digest))
            .where(col(result.task_id) == task_id, col(result.attempt) <= attempt, col(result.code_digest).is_not(None))
            .order_by(col(result.attempt))
        )
        return {(asset, test): digest for asset, test, digest in rows}

    async def codes(self, digests: Collection[str]) -> dict[str, Code]:
        """Code by its digest."""
        rows = await self.rows(_CODES, {"digests": json.dumps(sorted(digests))})
        return {row.digest: Code(row.digest, row.source, row.sql) for row in rows}

    async def last_green(self, task_id: str, attempt: int) -> str | None:
        """The newest task before this one in which all assets of this one succeeded, with all data tests.

        None if there is none among the 200 before it.
        """
        rows = await self.rows(_LAST_GREEN, {"task_id": task_id, "attempt": attempt})
        return rows[0].task_id if rows else None


def _record(
    code: str,
    engine: str,
    settings: str,
    columns: str | None,
    rows: int | None,
    fingerprint: str | None,
    upstreams: str,
    digest: str | None,
    is_whole: bool,
    note: str,
    frame_rows: int | None,
    frame_columns: str | None,
) -> KeptRecord:
    captured = None
    if digest is not None and frame_rows is not None:
        captured = Frame(digest, frame_rows, tuple(msgspec.json.decode(frame_columns or "[]", type=list[str])))
    return KeptRecord(
        code,
        engine,
        settings,
        _columns(columns) if columns is not None else None,
        rows,
        fingerprint,
        _upstreams(upstreams) if upstreams != "{}" else {},
        captured,
        is_whole,
        note,
    )


_columns = msgspec.json.Decoder(tuple[RecordedColumn, ...]).decode
_upstreams = msgspec.json.Decoder(dict[str, str]).decode

_CODES = text("SELECT digest, source, sql FROM code WHERE digest IN (SELECT value FROM json_each(:digests))")

_LAST_GREEN = text(
    f"""
    WITH wanted AS MATERIALIZED (
        SELECT asset_name FROM node WHERE task_id = :task_id AND attempt = :attempt AND NOT is_selection
    ),
    earlier AS MATERIALIZED (
        SELECT task.task_id, task.attempt, task.start_time FROM task
        WHERE (start_time, task_id) < (
            SELECT start_time, task_id FROM attempt WHERE task_id = :task_id AND attempt = :attempt
        )
        ORDER BY start_time DESC, task_id DESC LIMIT {LOOKED_AT_TASKS}
    ),
    likely AS (
        SELECT earlier.* FROM earlier JOIN task USING (task_id)
        WHERE task.completed_assets >= (SELECT count(*) FROM wanted)
    )
    SELECT task_id FROM likely
    WHERE NOT EXISTS (
        SELECT 1 FROM wanted LEFT JOIN node ON node.task_id = likely.task_id AND node.attempt = likely.attempt
            AND node.asset_name = wanted.asset_name AND NOT node.is_selection
        WHERE node.state IS NOT 'SUCCESS'
    )
    AND NOT EXISTS (
        SELECT 1 FROM data_test_result AS result
        WHERE result.task_id = likely.task_id AND result.attempt = likely.attempt AND result.status <> 'SUCCESS'
            AND (result.asset_name = '' OR result.asset_name IN (SELECT asset_name FROM wanted))
    )
    ORDER BY start_time DESC, task_id DESC LIMIT 1
    """
)
