"""The data of an asset: its captured frame or value, or the rows of its relation (contract, Data)."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import pyarrow as pa
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dagscope.dag.connections import Connection
from dagscope.dag.connections.arrow_types import unique_names
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frames import Frame, Value
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.assets import Asset
from dagscope.server.api.row_json import row_chunks
from dagscope.server.http.answers import around
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes import AssetData
from dagscope.server.workspace.reads import Read
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.frame_files import FrameFiles
from dagscope.storage.tasks import KeptNode

Done = TypeVar("Done")


class Rows:
    """Rows about to be sent, with the head and foot of the answer around them. Close it when done."""

    def __init__(
        self, about: Shape, batches: Iterator[pa.RecordBatch], columns: tuple[str, ...], resources: ExitStack
    ) -> None:
        self._about, self._resources = about, resources
        self._texts: Iterator[bytes] = row_chunks(batches, columns)

    def close(self) -> None:
        self._resources.close()

    def begin(self) -> None:
        """Read the first rows now, so that most failures come before the answer has begun."""
        first = self.next_text()
        if first is not None:
            self._texts = chain((first,), self._texts)

    def next_text(self) -> bytes | None:
        """The next rows as JSON objects parted by commas; None after the last."""
        return next(self._texts, None)

    def array_text(self) -> str:
        """The rows as a JSON array, all at once; for few rows."""
        try:
            return f"[{b''.join(self._texts).decode()}]"
        finally:
            self.close()

    def whole(self) -> bytes:
        """The whole answer at once; for few rows."""
        head, foot = self.head_and_foot()
        return f"{head}{self.array_text()}{foot}".encode()

    def head_and_foot(self) -> tuple[str, str]:
        """The answer before and after the rows."""
        return around(self._about, "data")


class RowsResponse(StreamingResponse):
    """Rows as an answer in chunks. A failure on the way breaks it off: it never ends as valid JSON.

    Rows of a database are read as steps of `read`, which ends with the answer.
    """

    def __init__(self, rows: Rows, read: Read | None = None) -> None:
        self._rows, self._read = rows, read
        super().__init__(self._chunks(), media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # also where the client went away before the first chunk
            if self._read is not None:
                self._read.end()
            else:
                await run_in_threadpool(self._rows.close)

    async def _chunks(self) -> AsyncIterator[bytes]:
        head, foot = self._rows.head_and_foot()
        yield f"{head}[".encode()
        while (text := await self._in_thread(self._rows.next_text)) is not None:
            yield text
        await self._in_thread(self._rows.close)  # who has the whole answer can be sure that nothing is read any more
        yield f"]{foot}".encode()

    async def _in_thread(self, step: Callable[[], Done]) -> Done:
        return await (self._read.run(step) if self._read is not None else run_in_threadpool(step))


@dataclass(frozen=True)
class Shown:
    """The asset whose data is shown, as the answer has it."""

    name: str
    is_data_framed: bool

    @classmethod
    def of(cls, asset: Asset | None, name: str) -> "Shown":
        """One that the DAG no longer has counts as data-framed: its frame was kept."""
        return cls(name, asset is None or asset.is_data_framed)


def of_frame(shown: Shown, frame: Frame, frames: FrameFiles, page: Page) -> Rows:
    """A captured frame. Raises `FrameDamaged`."""
    return rows_of_frame(_about(shown, frame.rows, unique_names(frame.columns), page), frame, frames, page)


def rows_of_frame(about: Shape, frame: Frame, frames: FrameFiles, page: Page) -> Rows:
    """The rows of a frame, in an answer that has them as `data`. Raises `FrameDamaged`."""
    columns = unique_names(frame.columns)
    if page.is_whole:
        batches = iter(frames.stream(frame.digest))
    else:  # mapped: only the page's own rows are loaded
        batches = iter(page.slice(frames.read(frame.digest)).to_batches())
    return Rows(about, batches, columns, ExitStack())


def of_relation(asset: Asset, connection: Connection, page: Page, cancellation: Cancellation) -> Rows | None:
    """The rows of the asset's relation as it is now, counted and read at one moment; None if there is none.

    Raises `ConnectionFailed`, `StatementFailed` or `Cancelled`.
    """
    with ExitStack() as stack:
        session = stack.enter_context(connection.session(cancellation))
        if session.relation_kind(asset.name) is not None:
            stack.enter_context(session.snapshot())  # so that the count and the rows agree
            count = session.count_rows(asset.name)
            reader = session.rows_to_show(asset.name, page.offset, page.limit)
            columns = unique_names(reader.schema.names)
            return Rows(
                _about(Shown.of(asset, asset.name), count, columns, page), iter(reader), columns, stack.pop_all()
            )
    return None


def of_value(shown: Shown, value: Value, frames: FrameFiles) -> bytes:
    """The whole answer for a raw asset's value. Raises `FrameDamaged`."""
    about = AssetData(
        asset_name=shown.name, has_data=True, data_type=value.data_type, is_data_framed=shown.is_data_framed
    )
    head, foot = around(about, "data")
    return f"{head}{frames.read_json(value.digest)}{foot}".encode()


def without_data(asset: str, error: str) -> AssetData:
    """The answer if there is no data; `error` says why."""
    return AssetData(asset_name=asset, has_data=False, data_type="", is_data_framed=False, error=error)


def _about(shown: Shown, rows: int, columns: tuple[str, ...], page: Page) -> AssetData:
    return AssetData(
        asset_name=shown.name,
        has_data=True,
        data_type="dataframe",
        is_data_framed=shown.is_data_framed,
        row_count=rows,
        column_count=len(columns),
        columns=columns,
        total_records=rows if page.is_reported else None,
        offset=page.offset if page.is_reported else None,
        limit=page.limit if page.is_reported else None,
    )


def relation_answers(node: KeptNode, now: AssetNow | None, task_id: str, attempt: int) -> bool:
    """Whether the current relation is what this attempt left: only if its task was the last to write it."""
    if now is None or now.relation_attempt is None or not node.facts.has_relation:
        return False
    return now.relation_task_id == task_id and attempt >= now.relation_attempt
