"""The frame store on disk: Arrow files and JSON values, named by the hash of their content."""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from dagscope.dag.ground.errors import FrameDamaged, FrameNotStored
from dagscope.dag.ground.frames import Frame, Value, batch_rows
from dagscope.dag.ground.null_bytes import without_null_bytes
from dagscope.dag.ground.private_files import FILE_MODE, make_private_folder

_ARROW, _JSON = ".arrow", ".json"
_DIGEST_BYTES = 20
_KEPT_CHECKS = 1_000


class FrameFiles:
    """Keeps frames as files in one folder. A file gets its name only once its bytes are safely on disk.

    Writing the same rows twice keeps one file. Safe from any thread.
    """

    def __init__(self, folder: Path, most_bytes: int | None = None, most_total_bytes: int | None = None) -> None:
        self.folder, self._most_bytes = folder, most_bytes
        self._total = _TotalBytes(folder, most_total_bytes)
        self._checks: dict[str, tuple[int, int, int]] = {}

    def write(self, rows: pa.RecordBatchReader) -> Frame:
        """Keep a table; its rows are read once, batch by batch."""
        return self._write(rows, is_synced=True)

    def capture(self, rows: pa.RecordBatchReader, most_bytes: int | None) -> Frame:
        """Keep the first rows of a table, about as many as fit into so many bytes. `sync` makes them durable."""
        return self._write(rows, is_synced=False, most_bytes=most_bytes)

    def _write(self, rows: pa.RecordBatchReader, is_synced: bool, most_bytes: int | None = None) -> Frame:
        count = 0
        size = batch_rows(len(rows.schema))
        with self._new_file(_ARROW, is_synced) as file, pa.ipc.new_file(file, rows.schema) as writer:
            for batch in rows:
                for start in range(0, batch.num_rows, size):
                    writer.write_batch(without_null_bytes(batch.slice(start, size)))
                count += batch.num_rows
                if most_bytes is not None and file.bytes > most_bytes:
                    break
        return Frame(file.digest, count, tuple(rows.schema.names))

    def sync(self, digests: Iterable[str]) -> None:
        """Make captured tables durable: their bytes, and their names at once."""
        for digest in digests:
            with suppress(FileNotFoundError), self.path(digest, _ARROW).open("rb") as file:
                os.fsync(file.fileno())
        self._sync_folder()

    def read(self, digest: str) -> pa.Table:
        """The table, mapped into memory after a check that its bytes are those written. Raises `FrameDamaged`."""
        try:
            with pa.memory_map(str(self._checked(digest))) as mapped:
                return pa.ipc.open_file(mapped).read_all()
        except (OSError, ValueError) as error:  # Arrow's own errors are ValueErrors
            raise self._damaged(digest, error) from error

    def stream(self, digest: str) -> pa.RecordBatchReader:
        """The table's rows batch by batch, each read from the file when requested: memory holds one at a time.

        Raises `FrameDamaged`, at once or while being read.
        """
        try:
            file = pa.ipc.open_file(pa.OSFile(str(self._checked(digest))))
        except (OSError, ValueError) as error:
            raise self._damaged(digest, error) from error
        return pa.RecordBatchReader.from_batches(file.schema, self._batches(file, digest))

    def _checked(self, digest: str) -> Path:
        """The table's file, whose bytes are those written. They are read, not mapped, so they take no memory.

        A file that has not been touched since its last check is not read again: each page of a grid opens it.
        """
        path = self.path(digest, _ARROW)
        with path.open("rb") as raw:
            status = os.fstat(raw.fileno())
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            if self._checks.get(digest) != state:
                if hashlib.file_digest(raw, _new_hash).hexdigest() != digest:
                    raise ValueError("its bytes have changed")
                if len(self._checks) >= _KEPT_CHECKS:
                    self._checks.clear()
                self._checks[digest] = state
        return path

    def _batches(self, file: pa.RecordBatchFileReader, digest: str) -> Iterator[pa.RecordBatch]:
        for index in range(file.num_record_batches):
            try:
                yield file.get_batch(index)
            except (OSError, ValueError) as error:
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
            content = self.path(digest, _JSON).read_bytes()
            if _new_hash(content).hexdigest() != digest:
                raise ValueError("its bytes have changed")
            return content.decode("utf-8")
        except (OSError, ValueError) as error:
            raise self._damaged(digest, error) from error

    def delete(self, digests: Iterable[str]) -> None:
        """Delete the files of these frames, if they exist."""
        for digest in digests:
            size = self.size_bytes(digest)
            for suffix in (_ARROW, _JSON):
                self.path(digest, suffix).unlink(missing_ok=True)
            self._total.take_off(size)

    def delete_all_but(self, digests: Set[str]) -> int:
        """Delete the files of all other frames, and what a dead process did not finish; returns how many there were."""
        make_private_folder(self.folder)
        others = [file for file in self.folder.iterdir() if file.stem not in digests]
        for file in others:
            file.unlink(missing_ok=True)
        self._total.forget()
        return len(others)

    def size_bytes(self, digest: str) -> int:
        """The size of a frame's file, 0 if it is gone."""
        for suffix in (_ARROW, _JSON):
            if self.path(digest, suffix).exists():
                return self.path(digest, suffix).stat().st_size
        return 0

    def path(self, digest: str, suffix: str) -> Path:
        return self.folder / (digest + suffix)

    @contextmanager
    def _new_file(self, suffix: str, is_synced: bool = True) -> Iterator["_HashedFile"]:
        try:
            make_private_folder(self.folder)  # it may have been deleted since the start
            descriptor, name = tempfile.mkstemp(dir=self.folder, prefix="new-", suffix=suffix)
            with os.fdopen(descriptor, "wb") as raw:
                file = _HashedFile(raw, self._most_bytes, self._total)
                try:
                    os.fchmod(descriptor, FILE_MODE)  # of which the umask may have taken something away
                    yield file
                    raw.flush()
                    if is_synced:
                        os.fsync(descriptor)
                    self._keep(Path(name), file, suffix, is_synced)
                    if is_synced:
                        self._sync_folder()
                except BaseException:
                    Path(name).unlink(missing_ok=True)
                    self._total.take_off(file.bytes)
                    raise
        except OSError as error:
            reason = error.strerror or error
            raise FrameNotStored(f"the captured result cannot be stored in {self.folder}: {reason}") from error

    def _keep(self, new: Path, file: "_HashedFile", suffix: str, is_synced: bool) -> None:
        """Give a written file its name."""
        kept = self.path(file.digest, suffix)
        is_there = kept.exists()
        if is_there:
            self._total.take_off(file.bytes)
        if is_there and not is_synced:  # replacing a file makes some file systems write the new one to disk at once
            new.unlink()
        else:
            new.replace(kept)

    def _sync_folder(self) -> None:
        """Make the new name itself durable."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @staticmethod
    def _damaged(digest: str, error: Exception) -> FrameDamaged:
        reason = "it is missing" if isinstance(error, FileNotFoundError) else str(error)
        return FrameDamaged(f"frame {digest} cannot be used: {reason}; run its asset again")


def _new_hash(content: Any = b"") -> "hashlib.blake2b":
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES)


class _TotalBytes:
    """The size of all frames together, with those that are being written; None for no limit. Safe from any thread.

    It is counted as frames come and go. The folder is looked at for the first one, and again before one is refused.
    """

    def __init__(self, folder: Path, most: int | None) -> None:
        self._folder, self._most = folder, most
        self._lock = threading.Lock()
        self._bytes: int | None = None

    def add(self, size: int) -> None:
        """Count what was written. Raises `FrameNotStored` if it is too much."""
        if self._most is None:
            return
        with self._lock:
            if self._bytes is not None:
                self._bytes += size
            if self._bytes is None or self._bytes > self._most:
                self._bytes = self._in_folder()
            if self._bytes > self._most:
                limit = f"{self._most:,} bytes, the limit that DAGSCOPE_FRAMES_TOTAL_BYTES sets"
                remedy = "delete old tasks with `dagscope prune` or DAGSCOPE_KEEP_BYTES"
                raise FrameNotStored(f"all captured results together have more than {limit}; {remedy}")

    def take_off(self, size: int) -> None:
        """Count what was deleted."""
        with self._lock:
            if self._bytes is not None:
                self._bytes -= size

    def forget(self) -> None:
        """Look at the folder again for the next frame."""
        with self._lock:
            self._bytes = None

    def _in_folder(self) -> int:
        sizes = 0
        with os.scandir(self._folder) as files:
            for file in files:
                with suppress(FileNotFoundError):  # deleted meanwhile
                    sizes += file.stat().st_size
        return sizes


class _HashedFile:
    """A file being written, with the hash of its bytes; it has only the methods that Arrow's writer needs."""

    closed = False

    def __init__(self, file: IO[bytes], most_bytes: int | None, total: _TotalBytes) -> None:
        self._file, self._hash, self._total = file, _new_hash(), total
        self.bytes, self._most_bytes = 0, most_bytes

    def write(self, data: Any) -> int:
        self._hash.update(data)
        written = self._file.write(data)
        self.bytes += written
        if self._most_bytes is not None and self.bytes > self._most_bytes:
            limit = f"{self._most_bytes:,} bytes, the limit that DAGSCOPE_FRAME_BYTES sets"
            raise FrameNotStored(f"the captured result has more than {limit}")
        self._total.add(written)
        return written

    def flush(self) -> None:
        self._file.flush()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()
