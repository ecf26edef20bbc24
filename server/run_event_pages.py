"""Pages of a run's events, as both GraphQL schemas answer them (contract, Run events)."""

import base64
import binascii
from dataclasses import dataclass

from server.query_limits import DEFAULT_LIMIT, MAX_LIMIT
from storage.reader import Moment, Reader
from storage.runs import KeptRunEvent, RunKey


class BadArgument(Exception):
    """An argument that cannot be used; the text is for the client."""


class RunNotFound(Exception):
    """There is no run of that id."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"Run {run_id} not found")


@dataclass(frozen=True)
class EventPage:
    """Some events of a run in order, and the cursor after the last of them."""

    events: list[KeptRunEvent]
    cursor: str
    has_more: bool


async def event_page(reader: Reader, run_id: str, limit: int | None, after_cursor: str | None) -> EventPage:
    """The events after a cursor, from the first one without; `limit` is 100 if not given.

    Raises `RunNotFound`, or `BadArgument` for a limit out of range or a cursor that this run never gave.
    """
    wanted = checked_limit(limit)
    async with reader.moment() as moment:
        key = await moment.runs.key(run_id)
        if key is None:
            raise RunNotFound(run_id)
        after = await _position(moment, key, after_cursor) if after_cursor else 0
        found = await moment.runs.events(key.task_id, after, wanted + 1)
    events = found[:wanted]
    return EventPage(events, _cursor(key, events[-1].position if events else after), len(found) > wanted)


def checked_limit(limit: int | None) -> int:
    """The limit, or the default. Raises `BadArgument`."""
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise BadArgument(f"limit must be from 1 to {MAX_LIMIT}, found {limit}")
    return limit


def _cursor(key: RunKey, position: int) -> str:
    """A position never changes, however many events are added; naming the run tells foreign cursors apart."""
    return base64.b64encode(f"{key.task_uuid}:{position}".encode()).decode("ascii")


async def _position(moment: Moment, key: RunKey, cursor: str) -> int:
    try:
        task_uuid, _, digits = base64.b64decode(cursor, validate=True).decode("ascii").partition(":")
        position = int(digits) if digits.isdigit() and len(digits) <= 18 else -1
    except (ValueError, binascii.Error) as error:
        raise _bad_cursor() from error
    if task_uuid != key.task_uuid or not 0 <= position <= (await moment.log_range()).last_position:
        raise _bad_cursor()
    return position


def _bad_cursor() -> BadArgument:
    return BadArgument("afterCursor must be a cursor that an earlier answer for this run gave")
