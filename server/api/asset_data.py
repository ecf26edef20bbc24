"""The data of an asset: its captured frame or value, or the rows of its relation (contract, Data)."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dagscope.dag.connections import Connection
from dagscope.dag.connections.arrow_types import unique_names
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame, Value
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.model.assets import Asset
from dagscope.server.api.row_json import row_chunks
from dagscope.server.http.answers import Refused, around
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.about import Error
from dagscope.server.http.shapes.rows import AssetData
from dagscope.server.http.stalled_readers import sending_rows
from dagscope.server.workspace.reads import Gone, Read, Reads

Done = TypeVar("Done")


class Rows:
    """Rows about to be sent as chunks of text, with the head and foot of the answer around them. Close it when done."""

    def __init__(self, head: str, chunks: Iterator[bytes], foot: str, resources: ExitStack) -> None:
        self.head, self.foot = head.encode(), foot.encode()
        self._chunks, self._resources = chunks, resources

    def close(self) -> None:
        self._resources.close()

    def begin(self) -> None:
        """Read the first rows now, so that most failures come before the answer has begun.

        They are sent with the head: the first part of the answer can still be refused (server/http/bounded_answers.py).
        """
        first = self.head + (self.next_chunk() or b"")
        if first:
            self.head, self._chunks = b"", chain((first,), self._chunks)

    def next_chunk(self) -> bytes | None:
        """The next rows; None after the last."""
        return next(self._chunks, None)

    def array_text(self) -> str:
        """The rows as a JSON array, all at once; for few rows."""
        try:
            return f"[{b''.join(self._chunks).decode()}]"
        finally:
            self.close()

    def whole(self) -> bytes:
        """The whole answer at once; for few rows."""
        try:
            return self.head + b"".join(self._chunks) + self.foot
        finally:
            self.close()


def json_rows(about: Shape, field: str, chunks: Iterator[bytes], resources: ExitStack | None = None) -> Rows:
    """Rows as JSON separated by commas, as the array in one field of an answer."""
    head, foot = around(about, field)
    return Rows(f"{head}[", chunks, f"]{foot}", resources or ExitStack())


class RowsResponse(StreamingResponse):
    """Rows as an answer in chunks. A failure on the way breaks it off: it never ends as if it were whole.

    Rows that are read as steps of `read` end it with the answer.
    """

    def __init__(
        self,
        rows: Rows,
        read: Read | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._rows, self._read = rows, read
        super().__init__(self._chunks(), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with sending_rows(scope):
                await super().__call__(scope, receive, send)
        finally:  # also where the client went away before the first chunk
            if self._read is not None:
                self._read.end()
            else:
                await run_in_threadpool(self._rows.close)

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._rows.head:
            yield self._rows.head
        while (chunk := await self._in_thread(self._rows.next_chunk)) is not None:
            yield chunk
        await self._in_thread(self._rows.close)  # who has the whole answer can be sure that nothing is read any more
        if self._rows.foot:
            yield self._rows.foot

    async def _in_thread(self, step: Callable[[], Done]) -> Done:
        return await (self._read.run(step) if self._read is not None else run_in_threadpool(step))


async def read_rows(reads: Reads, find: Callable[[Cancellation], Rows | None], gone: Gone) -> tuple[Rows, Read] | None:
    """Rows whose first ones are read, and the read that reads the rest; None if there are none to find.

    Raises what `find` and a read raise.
    """
    read = await reads.begin(gone)

    def begun() -> Rows | None:
        rows = find(read.cancellation)
        if rows is not None:
            read.on_end = rows.close
            rows.begin()
        return rows

    try:
        found = await read.run(begun, gone)
    except BaseException:
        read.end()
        raise
    if found is None:
        read.end()
        return None
    return found, read


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
    return rows_of_frame(about_rows(shown, frame.rows, unique_names(frame.columns), page), frame, frames, page)


def rows_of_frame(about: Shape, frame: Frame, frames: FrameFiles, page: Page) -> Rows:
    """The rows of a frame, in an answer that has them as `data`. Raises `FrameDamaged`."""
    columns = unique_names(frame.columns)
    if page.is_whole:
        batches = iter(frames.stream(frame.digest))
    else:  # mapped: only the page's own rows are loaded
        batches = iter(page.slice(frames.read(frame.digest)).to_batches())
    return json_rows(about, "data", row_chunks(batches, columns))


def of_relation(asset: Asset, connection: Connection, page: Page, cancellation: Cancellation) -> Rows | None:
    """The rows of the asset's relation as it is now, counted and read at one moment; None if there is none.

    Raises `ConnectionFailed`, `StatementFailed` or `Cancelled`.
    """
    with ExitStack() as stack:
        session = stack.enter_context(connection.queries(cancellation))
        if session.relation_kind(asset.name) is not None:
            stack.enter_context(session.snapshot())  # so that the count and the rows agree
            count = session.count_rows(asset.name)
            reader = session.rows_to_show(asset.name, page.offset, page.limit)
            columns = unique_names(reader.schema.names)
            about = about_rows(Shown.of(asset, asset.name), count, columns, page)
            return json_rows(about, "data", row_chunks(iter(reader), columns), stack.pop_all())
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


def no_relation(asset: Asset) -> Refused:
    """400, for a raw asset, which has none."""
    details = "it is a raw asset, written in Python: read its data instead"
    return Refused(400, Error(error=f'"{asset.name}" has no relation to preview', details=details))


def about_rows(shown: Shown, rows: int, columns: tuple[str, ...], page: Page, matching: int | None = None) -> AssetData:
    """What an answer says about its rows; `matching` is how many a filter leaves."""
    return AssetData(
        asset_name=shown.name,
        has_data=True,
        data_type="dataframe",
        is_data_framed=shown.is_data_framed,
        row_count=rows,
        column_count=len(columns),
        columns=columns,
        total_records=rows if page.is_reported else None,
        matching_records=matching,
        offset=page.offset if page.is_reported else None,
        limit=page.limit if page.is_reported else None,
    )
