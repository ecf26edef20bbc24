"""What `dagscope run` is asked to do, whether this process or a server does it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dagscope.cli.breakpoint_question import is_on_terminal
from dagscope.cli.exits import fail
from dagscope.dag.events.task_ids import check_new_task_id
from dagscope.dag.ground.errors import SelectorInvalid
from dagscope.dag.ground.json_text import exact_json, json_text
from dagscope.dag.model.capture import Capture
from dagscope.dag.run.breakpoints import AFTER, Breakpoint
from dagscope.dag.run.selector import Selector


@dataclass(frozen=True)
class RunOptions:
    """One task: its id, the run's data, and how it is run and shown."""

    task_id: str
    data: Mapping[str, Any]
    run_tests: bool
    profile: bool
    as_json: bool
    select: Selector | None = None
    breakpoints: tuple[Breakpoint, ...] = ()
    capture: Capture | None = None


def new_task_id() -> str:
    """A task id for now, in the form that the spec recommends."""
    return f"task_{datetime.now():%Y%m%d_%H%M%S}"  # noqa: DTZ005  people name tasks by their local time


def checked_task_id(task_id: str | None) -> str:
    """The task id, or a new one if it is None. Exits if the id is invalid."""
    try:
        return check_new_task_id(task_id) if task_id is not None else new_task_id()
    except ValueError as error:
        fail(str(error))


def read_select(select: str | None) -> Selector | None:
    """The selector; None if there is none. Exits if it cannot be read."""
    try:
        return Selector.parse(select) if select is not None else None
    except SelectorInvalid as error:
        fail(f"--select: {error}")


def read_breakpoints(texts: tuple[str, ...], as_json: bool) -> tuple[Breakpoint, ...]:
    """The breakpoints, each `ASSET` or `ASSET:WHEN`. Exits if nobody could be asked how to continue."""
    if texts and as_json:
        fail("--break-at asks how to continue, and --json prints nothing else than the status; leave one of them out")
    if texts and not is_on_terminal():
        fail(
            "--break-at asks on a terminal how to continue; without one, start `dagscope serve` and send "
            'POST /api/dag/run with "breakpoints", then POST /api/dag/continue/{taskId}'
        )
    parts = (text.partition(":") for text in texts)
    return tuple(Breakpoint(asset.strip(), when.strip() or AFTER) for asset, _, when in parts)


def read_capture(capture: str | None) -> Capture | None:
    """How many rows are kept; None if nothing is said. Exits if the text is invalid."""
    try:
        return Capture.parse(capture) if capture is not None else None
    except ValueError as error:
        fail(str(error))


def read_data(data: str | None) -> dict[str, Any]:
    """The run's data from a JSON text or `@FILE`. Exits if it is not a JSON object."""
    if data is None:
        return {}
    text = data
    if data.startswith("@"):
        try:
            text = Path(data[1:]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a path with a NUL
            fail(f"--data: {data[1:]} cannot be read: {error}")
    try:
        text.encode()
        values = exact_json(text)
        json_text(values)  # as the state keeps it
    except UnicodeEncodeError:
        fail("--data: not UTF-8 text")
    except ValueError as error:
        fail(f"--data: not valid JSON: {error}")
    except RecursionError:
        fail("--data: not valid JSON: nested too deeply")
    if not isinstance(values, dict):
        fail('--data: must be a JSON object, such as {"since": "2013-01-01"}')
    return values
