"""Pages of a run's events, as both GraphQL schemas return them (contract, Run events)."""

import base64
import binascii
import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any

from dagscope.dag.events.run_events import LoggedRunEvent
from dagscope.server.graphql.query_limits import DEFAULT_LIMIT, MAX_LIMIT
from dagscope.storage.reader import Reader
from dagscope.storage.runs import KeptRunEvent


class BadArgument(Exception):
    """An invalid argument; the text is sent to the client."""


class RunNotFound(Exception):
    """No run has that id."""

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
    """The events after a cursor, from the first event by default; `limit` is 100 by default.

    Raises `RunNotFound`, or `BadArgument` for a limit out of range or a cursor that does not come from this run.
    """
    wanted = checked_limit(limit)
    after = _Cursor.read(after_cursor) if after_cursor else None
    async with reader.moment() as moment:
        found = await moment.runs.events(run_id, after.position if after else 0, wanted + 1)
        if found is None:
            raise RunNotFound(run_id)
        key, events = found
        if after is not None:
            newest = (await moment.log_range()).last_position
            if after.task_uuid != key.task_uuid or after.position > newest:
                raise _bad_cursor()
    page = events[:wanted]
    end = page[-1].position if page else after.position if after else 0
    return EventPage(page, _Cursor(key.task_uuid, end).text, len(events) > wanted)


def published(event: LoggedRunEvent, type_: type) -> dict[str, Any]:
    """The fields of a run event that a schema's type has too, by name."""
    return {name: getattr(event, name) for name in _shared_fields(type_)}


@cache
def _shared_fields(type_: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(type_) if field.name in LoggedRunEvent.__struct_fields__)


def checked_limit(limit: int | None) -> int:
    """The limit, or the default. Raises `BadArgument`."""
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise BadArgument(f"limit must be from 1 to {MAX_LIMIT}, found {limit}")
    return limit


@dataclass(frozen=True)
class _Cursor:
    """A place in a run's events. It contains the run's uuid, so that cursors of other runs and states are recognized.

    A position in the log never changes, however many events are added.
    """

    task_uuid: str
    position: int

    @property
    def text(self) -> str:
        return base64.b64encode(f"{self.task_uuid}:{self.position}".encode()).decode("ascii")

    @classmethod
    def read(cls, text: str) -> "_Cursor":
        """Raises `BadArgument`."""
        try:
            task_uuid, _, digits = base64.b64decode(text, validate=True).decode("ascii").partition(":")
        except (ValueError, binascii.Error) as error:
            raise _bad_cursor() from error
        if not digits.isdigit() or len(digits) > 18:
            raise _bad_cursor()
        return cls(task_uuid, int(digits))


def _bad_cursor() -> BadArgument:
    return BadArgument("afterCursor must be the cursor of an earlier answer for this run")
