"""The data of an asset: its captured frame or value, or the rows of its relation (contract, Data)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pyarrow as pa
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

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
from dagscope.storage.assets_now import AssetNow
from dagscope.storage.frame_files import FrameFiles
from dagscope.storage.tasks import KeptNode


class Rows:
    """Rows about to be sent, with the head and foot of the answer around them. Close it when done."""

    def __init__(
        self, about: Shape, batches: Iterator[pa.RecordBatch], columns: tuple[str, ...], resources: ExitStack
    ) -> None:
        self._about, self._batches, self._columns, self._resources = about, batches, columns, resources

    def close(self) -> None:
        self._resources.close()

    def row_texts(self) -> Iterator[bytes]:
        """The rows as JSON objects separated by commas."""
        return row_chunks(self._batches, self._columns)

    def array_text(self) -> str:
        """The rows as a JSON array, all at once; for few rows."""
        try:
            return f"[{b''.join(self.row_texts()).decode()}]"
        finally:
            self.close()

    def whole(self) -> bytes:
        """The whole answer at once; for few rows."""
        head, foot = around(self._about, "data")
        return f"{head}{self.array_text()}{foot}".encode()

    async def body(self) -> AsyncIterator[bytes]:
        """The whole answer, in chunks. If reading fails, it is cut off and is not valid JSON."""
        head, foot = around(self._about, "data")
        try:
            yield f"{head}[".encode()
            async for chunk in iterate_in_threadpool(self.row_texts()):
                yield chunk
            yield f"]{foot}".encode()
        finally:
            await run_in_threadpool(self.close)


def of_frame(asset: Asset, frame: Frame, frames: FrameFiles, page: Page) -> Rows:
    """A captured frame. Raises `FrameDamaged`."""
    return rows_of_frame(_about(asset, frame.rows, unique_names(frame.columns), page), frame, frames, page)


def rows_of_frame(about: Shape, frame: Frame, frames: FrameFiles, page: Page) -> Rows:
    """The rows of a frame, in an answer that has them as `data`. Raises `FrameDamaged`."""
    columns = unique_names(frame.columns)
    if page.is_whole:
        batches = iter(frames.stream(frame.digest))
    else:  # mapped: only the page's own rows are loaded
        batches = iter(page.slice(frames.read(frame.digest)).to_batches())
    return Rows(about, batches, columns, ExitStack())


def of_relation(
    asset: Asset, connection: Connection, page: Page, cancellation: Cancellation | None = None
) -> Rows | None:
    """The rows of the asset's current relation, counted and read in one snapshot; None if there is no relation.

    Raises `ConnectionFailed`, `StatementFailed` or `Cancelled`.
    """
    with ExitStack() as stack:
        session = stack.enter_context(connection.session(cancellation))
        if session.relation_kind(asset.name) is not None:
            stack.enter_context(session.snapshot())  # so that the count and the rows agree
            count = session.count_rows(asset.name)
            reader = session.rows_to_show(asset.name, page.offset, page.limit)
            columns = unique_names(reader.schema.names)
            return Rows(_about(asset, count, columns, page), iter(reader), columns, stack.pop_all())
    return None


def of_value(asset: Asset, value: Value, frames: FrameFiles) -> bytes:
    """The whole answer for a raw asset's value. Raises `FrameDamaged`."""
    about = AssetData(
        asset_name=asset.name, has_data=True, data_type=value.data_type, is_data_framed=asset.is_data_framed
    )
    head, foot = around(about, "data")
    return f"{head}{frames.read_json(value.digest)}{foot}".encode()


def without_data(asset: str, error: str) -> AssetData:
    """The answer if there is no data; `error` says why."""
    return AssetData(asset_name=asset, has_data=False, data_type="", is_data_framed=False, error=error)


def _about(asset: Asset, rows: int, columns: tuple[str, ...], page: Page) -> AssetData:
    return AssetData(
        asset_name=asset.name,
        has_data=True,
        data_type="dataframe",
        is_data_framed=asset.is_data_framed,
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
