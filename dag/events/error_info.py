"""The error in a failed step's event: message, class, the project's own stack frames, and the cause."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Optional

from msgspec import field

from dagscope.dag.ground.error_text import cause_of, class_name, error_text, traceback_of
from dagscope.dag.ground.records import Record

_LONGEST_CHAIN = 5  # errors; clients request three, and a chain of causes can be circular


class ErrorInfo(Record, frozen=True, kw_only=True):
    """An error as data. `stack` holds the frames in the project's own files, outermost first, as Python prints them."""

    message: str
    class_name: str | None = None
    stack: tuple[str, ...] = field(default_factory=lambda: ())
    cause: Optional["ErrorInfo"] = None


def describe_error(error: BaseException, project_folder: Path, shown: Callable[[str], str]) -> ErrorInfo:
    """The error and its chain of causes, with texts as `shown` returns them and paths relative to the project."""
    chain = [error]
    while (cause := cause_of(chain[-1])) is not None and len(chain) < _LONGEST_CHAIN:
        chain.append(cause)
    info: ErrorInfo | None = None
    for link in reversed(chain):
        info = ErrorInfo(
            message=shown(error_text(link)),
            class_name=class_name(link),
            stack=_own_frames(link, project_folder, shown),
            cause=info,
        )
    assert info is not None
    return info


def _own_frames(error: BaseException, project_folder: Path, shown: Callable[[str], str]) -> tuple[str, ...]:
    """Only a raw asset has lines of the project in its stack; those of dagscope would not help."""
    frames = traceback.StackSummary()
    for frame in traceback.extract_tb(traceback_of(error)):
        path = Path(frame.filename)
        if path.is_relative_to(project_folder):
            name = str(path.relative_to(project_folder))
            frames.append(traceback.FrameSummary(name, frame.lineno, frame.name, line=frame.line))
    return tuple(shown(text) for text in frames.format())
