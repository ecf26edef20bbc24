"""The frame store on disk: Arrow files and JSON values, named by the hash of their content."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from dag.errors import FrameDamaged
from dag.frames import Frame, Value, batch_rows

_ARROW, _JSON = ".arrow", ".json"


class FrameFiles:
    """Keeps frames as files of one folder. A file has its name only once its bytes are safely on the disk.

    Writing the same content twice keeps one file. Safe from any thread.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, rows: pa.RecordBatchReader) -> Frame:
        """Keep a table; its rows are read once, batch by batch."""
        count = 0
        size = batch_rows(len(rows.schema))
        with self._new_file(_ARROW) as file, pa.ipc.new_file(file, rows.schema) as writer:
            for batch in rows:
                for start in range(0, batch.num_rows, size):
                    writer.write_batch(batch.slice(start, size))
                count += batch.num_rows
        return Frame(file.digest, count, tuple(rows.schema.names))

    def read(self, digest: str) -> pa.Table:
        """The table, mapped into memory: its bytes are loaded as they are used. Raises `FrameDamaged`."""
        try:
            return pa.ipc.open_file(pa.memory_map(str(self.path(digest, _ARROW)))).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise self._damaged(digest, error) from error

    def stream(self, digest: str) -> pa.RecordBatchReader:
        """The table's rows batch by batch, each read from the file when asked for: memory holds one at a time.

        Raises `FrameDamaged`, at once or while being read.
        """
        try:
            file = pa.ipc.open_file(pa.OSFile(str(self.path(digest, _ARROW))))
        except (OSError, pa.ArrowInvalid) as error:
            raise self._damaged(digest, error) from error
        return pa.RecordBatchReader.from_batches(file.schema, self._batches(file, digest))

    def _batches(self, file: pa.RecordBatchFileReader, digest: str) -> Iterator[pa.RecordBatch]:
        for index in range(file.num_record_batches):
            try:
                yield file.get_batch(index)
            except (OSError, pa.ArrowInvalid) as error:
                raise self._damaged(digest, error) from error

    def write_value(self, json_text: str, data_type: str) -> Value:
        """Keep a JSON text."""
        with self._new_file(_JSON) as file:
            file.write(json_text.encode("utf-8"))
        return Value(file.digest, data_type)

    def read_value(self, digest: str) -> Any:
        """The value of a kept JSON text. Raises `FrameDamaged`."""
        try:
            return json.loads(self.read_json(digest))
        except ValueError as error:
            raise self._damaged(digest, error) from error

    def read_json(self, digest: str) -> str:
        """A kept JSON text as it was written. Raises `FrameDamaged`."""
        try:
            return self.path(digest, _JSON).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise self._damaged(digest, error) from error

    def delete_all(self) -> None:
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)

    def path(self, digest: str, suffix: str) -> Path:
        return self.folder / (digest + suffix)

    @contextmanager
    def _new_file(self, suffix: str) -> Iterator["_HashedFile"]:
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix="new-", suffix=suffix)
        try:
            with os.fdopen(descriptor, "wb") as raw:
                file = _HashedFile(raw)
                yield file
                raw.flush()
                os.fsync(descriptor)
            Path(name).replace(self.path(file.digest, suffix))
            self._sync_folder()
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _sync_folder(self) -> None:
        """Make the new name itself durable."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def _damaged(digest: str, error: Exception) -> FrameDamaged:
        return FrameDamaged(f"frame {digest} is missing or damaged ({type(error).__name__}); run its asset again")


class _HashedFile:
    """A file being written that knows the hash of its bytes; just enough of a file for Arrow's writer."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.blake2b(digest_size=20)

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
