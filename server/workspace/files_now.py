"""What became of the project's files when they were last read."""

from dataclasses import dataclass

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.problems import Problem

_SHOWN_PROBLEMS = 20  # of a refusal; `GET /api/project` has all


@dataclass(frozen=True)
class FilesNow:
    """The project in use was loaded at `loaded_ms`, None if none could be yet; the files were last read at `read_ms`.

    `problems` say why they cannot be loaded now. Times are epoch milliseconds.
    """

    loaded_ms: int | None
    read_ms: int
    problems: tuple[Problem, ...] = ()


class NotLoaded(DagscopeError):
    """The project's files cannot be loaded, so that what was asked for cannot be done; lists the problems."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        lines = [str(problem) for problem in problems[:_SHOWN_PROBLEMS]]
        more = len(problems) - len(lines)
        super().__init__("\n".join([*lines, *([f"and {more:,} more problems"] if more else [])]))
