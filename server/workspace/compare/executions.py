"""Two tasks as they are compared: frozen shapes, from which everything else is computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dagscope.dag.events.node_records import Code, RecordedColumn
from dagscope.dag.events.status import DataTestStatus, NodeState
from dagscope.dag.ground.frames import Frame


@dataclass(frozen=True)
class RanTest:
    """A data test in a task: how it ended, and what was run, None if that is not known."""

    name: str
    status: DataTestStatus
    code: Code | None = None
    error: str = ""
    row_count: int = 0

    @property
    def is_red(self) -> bool:
        return self.status is DataTestStatus.FAILED


@dataclass(frozen=True)
class Execution:
    """An asset in a task. What is not known is None; without `code`, nothing was recorded of it.

    `digest` names its code, which is only there if the other task has another. `rows_frame` holds all of its rows.
    """

    asset: str
    state: NodeState
    message: str = ""
    duration_ms: int | None = None
    digest: str | None = None
    code: Code | None = None
    engine: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[RecordedColumn, ...] | None = None
    rows: int | None = None
    fingerprint: str | None = None
    upstreams: Mapping[str, str] = field(default_factory=dict)
    rows_frame: Frame | None = None
    note: str = ""
    tests: tuple[RanTest, ...] = ()

    @property
    def is_red(self) -> bool:
        return self.state is NodeState.FAILED


@dataclass(frozen=True)
class Side:
    """One of the two tasks: its data, its executions by asset, and its root tests."""

    data: Mapping[str, Any]
    executions: Mapping[str, Execution]
    root_tests: tuple[RanTest, ...] = ()
    own_texts: tuple[str, ...] = ()
    """What differs in the SQL of every task: its id and its uuid."""
