"""Limits for loading a project: bytes and time per file, and in total."""

from dataclasses import dataclass

from dagscope.dag.ground.processor_time import ProcessorTime


@dataclass(frozen=True)
class LoadingLimits:
    """Limits of one loading; `server/workspace/settings.py` has the variables that set them.

    Times are processor time, so that a busy machine does not refuse a project.
    """

    file_bytes: int = 4 * 1024 * 1024
    file_s: float = 1.0
    total_s: float = 60.0
    total_bytes: int = 100 * 1024 * 1024

    def bytes_of(self, path: str) -> int:
        """The largest size of a file. Python and YAML get an eighth, because they take longer to read than SQL."""
        return self.file_bytes if path.lower().endswith(".sql") else self.file_bytes // 8


class TotalTime:
    """The time left for the whole loading."""

    def __init__(self, limits: LoadingLimits) -> None:
        self._total_s = limits.total_s
        self._time = ProcessorTime(limits.total_s)

    def check(self) -> None:
        """Raises `LoadingTooLong` once it is used up; call it for each file and folder."""
        if self._time.is_over:
            raise LoadingTooLong(self._total_s)


class TotalSize:
    """The size of all files that were read."""

    def __init__(self, limits: LoadingLimits) -> None:
        self._most, self._read = limits.total_bytes, 0

    def add(self, size: int) -> None:
        """Raises `LoadingTooLarge` once the files have more bytes than they may."""
        self._read += size
        if self._read > self._most:
            raise LoadingTooLarge(self._most)


class LoadingEnded(Exception):
    """The project exceeds a limit of all files together, so the rest of them is not read."""


class LoadingTooLarge(LoadingEnded):
    """The files are larger than the limit."""

    def __init__(self, total_bytes: int) -> None:
        super().__init__(
            f"the project's files have more than {total_bytes:,} bytes together; make them shorter, or raise "
            "DAGSCOPE_LOAD_TOTAL_LIMIT_BYTES"
        )


class LoadingTooLong(LoadingEnded):
    """Loading the project takes longer than the limit."""

    def __init__(self, total_s: float) -> None:
        super().__init__(
            f"loading takes longer than {total_s:g} s; raise DAGSCOPE_LOAD_TOTAL_LIMIT_S if the project needs longer"
        )
