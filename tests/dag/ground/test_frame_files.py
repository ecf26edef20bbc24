"""Frames on disk."""

from pathlib import Path

import pyarrow as pa
import pytest

from dagscope.dag.ground.errors import FrameDamaged
from dagscope.dag.ground.frame_files import FrameFiles


@pytest.fixture
def frames(tmp_path: Path) -> FrameFiles:
    """An empty frame store."""
    return FrameFiles(tmp_path)


def table(*values: int) -> pa.Table:
    return pa.table({"n": list(values), "text": [str(value) for value in values]})


def with_null(kind: pa.DataType, byte: bytes) -> pa.Table:
    """A NULL over memory that is full of this byte, and a zero."""
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    size = storage.bit_width // 8
    stored = pa.Array.from_buffers(storage, 2, [pa.py_buffer(b"\2"), pa.py_buffer(byte * size + bytes(size))])
    values = pa.ExtensionArray.from_storage(kind, stored) if storage is not kind else stored
    return pa.table({"value": values, "struct": pa.StructArray.from_arrays([values], ["field"])})


def test_round_trip(frames: FrameFiles) -> None:
    """A frame is read as it was written, and has its number of rows and its columns."""
    frame = frames.write(table(1, 2, 3).to_reader())
    assert (frame.rows, frame.columns) == (3, ("n", "text"))
    assert frames.read(frame.digest).equals(table(1, 2, 3))


def test_the_same_twice(frames: FrameFiles) -> None:
    """The same content is kept once, and different content separately."""
    assert frames.write(table(1).to_reader()) == frames.write(table(1).to_reader())
    frames.write(table(2).to_reader())
    assert len(list(frames.folder.iterdir())) == 2


@pytest.mark.parametrize(
    "kind", [pa.int32(), pa.float64(), pa.decimal128(9, 1), pa.timestamp("us"), pa.binary(3), pa.uuid()], ids=str
)
def test_what_is_under_a_null(frames: FrameFiles, kind: pa.DataType) -> None:
    """Equal rows are kept once, whatever the memory under their NULLs contains, also in structs."""
    first, second = (frames.write(with_null(kind, byte).to_reader()) for byte in (b"\1", b"\2"))
    assert first == second
    assert frames.read(first.digest).equals(with_null(kind, b"\1"))


def test_values(frames: FrameFiles) -> None:
    """A JSON value is kept as its exact text."""
    value = frames.write_value('{"price":1.10}', "map")
    assert frames.read_json(value.digest) == '{"price":1.10}'
    assert frames.read_value(value.digest) == {"price": 1.1}


@pytest.mark.parametrize("offset", [0, 100, -1])
def test_a_flipped_byte(frames: FrameFiles, offset: int) -> None:
    """One changed byte anywhere is detected, and nothing of the frame is returned."""
    digest = frames.write(table(*range(100)).to_reader()).digest
    file = frames.path(digest, ".arrow")
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)
    with pytest.raises(FrameDamaged) as raised:
        frames.read(digest)
    assert str(raised.value) == f"frame {digest} cannot be used: its bytes have changed; run its asset again"


def test_a_missing_file(frames: FrameFiles) -> None:
    """A frame whose file is gone is reported as missing."""
    with pytest.raises(FrameDamaged, match=r"^frame abc cannot be used: it is missing; run its asset again$"):
        frames.read("abc")


def test_a_failure_while_writing(frames: FrameFiles) -> None:
    """A reader that fails halfway leaves no file behind."""

    def batches() -> object:
        yield table(1).to_batches()[0]
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        frames.write(pa.RecordBatchReader.from_batches(table(1).schema, batches()))
    assert list(frames.folder.iterdir()) == []


def test_orphans(frames: FrameFiles) -> None:
    """Frames that nothing refers to are deleted, and so is what a dead process did not finish."""
    kept, orphan = frames.write(table(1).to_reader()), frames.write(table(2).to_reader())
    (frames.folder / "new-abc.arrow").touch()
    assert frames.delete_all_but(frozenset({kept.digest})) == 2
    assert [file.stem for file in frames.folder.iterdir()] == [kept.digest]
    assert orphan.digest != kept.digest
