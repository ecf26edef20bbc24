"""Limits for loading a project: bytes per file, time per file, total time."""

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


class LoadingTooLong(Exception):
    """Loading the project takes longer than the limit."""

    def __init__(self, total_s: float) -> None:
        super().__init__(
            f"loading takes longer than {total_s:g} s; raise DAGSCOPE_LOAD_TOTAL_LIMIT_S if the project needs longer"
        )
