"""Checking a captured result that a stranger wrote, before Arrow or DuckDB read it for an answer."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa

from dagscope.dag.ground.errors import DagscopeError

_MOST_COLUMNS = 10_000
_MOST_NESTED = 100
_MEMORY_BYTES = 4_000_000_000  # that reading may reserve


class ForeignFrameRefused(DagscopeError):
    """A captured result that cannot be what dagscope wrote."""


def check_frame(file: Path, rows: int, columns: tuple[str, ...]) -> None:
    """Read an Arrow file whole, batch by batch. Raises `ForeignFrameRefused` if it is not exactly such rows.

    Arrow checks little by itself: values may be outside of a file, and a small file can stand for a huge table, with
    compressed values, or with several columns, lists or rows that share their values.
    """
    size, count, values = file.stat().st_size, 0, 0
    if rows > 8 * size:  # a column of NULLs has no bytes
        raise ForeignFrameRefused("it stands for more rows or values than it has bytes for")
    try:
        with pa.OSFile(str(file)) as opened, pa.ipc.open_file(opened) as frame:
            _check_schema(frame.schema, columns)
            for index in range(frame.num_record_batches):
                batch = frame.get_batch(index)
                batch.validate(full=True)
                count, values = count + batch.num_rows, values + batch.nbytes
                if values > size:
                    raise ForeignFrameRefused("it stands for more rows or values than it has bytes for")
    except (pa.ArrowException, OSError, MemoryError, ValueError, RecursionError) as error:
        raise ForeignFrameRefused(f"it is not a valid Arrow file: {error}") from error
    if count != rows:
        raise ForeignFrameRefused(f"it has {count:,} rows, and should have {rows:,}")


def check_value(file: Path) -> None:
    """Raises `ForeignFrameRefused` if a JSON file is invalid."""
    try:
        msgspec.json.decode(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ForeignFrameRefused(f"it is not valid JSON: {error}") from error


@contextmanager
def in_little_memory() -> Iterator[None]:
    """In the block, reserving much memory fails in this process: a few compressed bytes can stand for all of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    least = min(limit for limit in (soft, hard, _MEMORY_BYTES) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_DATA, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _check_schema(schema: pa.Schema, columns: tuple[str, ...]) -> None:
    if tuple(schema.names) != columns or len(columns) > _MOST_COLUMNS:
        raise ForeignFrameRefused("it has other columns than its task says")
    for field in schema:
        if not _is_plain(field.type, _MOST_NESTED):
            reason = f'its column "{field.name}" has a type that dagscope does not store: {field.type}'
            raise ForeignFrameRefused(reason)


def _is_plain(kind: pa.DataType, deepest: int) -> bool:
    """Whether it is one of the types in which dagscope stores rows: each value has bytes of its own."""
    types = pa.types
    if deepest == 0:
        return False
    if types.is_struct(kind):
        return bool(kind.num_fields) and all(_is_plain(kind.field(i).type, deepest - 1) for i in range(kind.num_fields))
    if types.is_map(kind):
        return _is_plain(kind.key_type, deepest - 1) and _is_plain(kind.item_type, deepest - 1)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return not types.is_null(kind.value_type) and _is_plain(kind.value_type, deepest - 1)
    if types.is_null(kind) or types.is_fixed_size_binary(kind):
        return bool(types.is_null(kind)) or kind.byte_width > 0
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(bool(is_kind(kind)) for is_kind in (types.is_primitive, types.is_decimal, *texts))
