"""Queries for the events of a run: the spec's query, its filters, and paging (run API spec)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dagscope.cli.plus.graphql_client import ConnectionLost, GraphQLClient, QueryFailed
from dagscope.dag.events.run_events import RunEvent, RunEventLevel, RunEventList, RunEventType

RUN_EVENTS_QUERY = """\
query CliRunEventsQuery($runId: ID!, $limit: Int, $afterCursor: String) {
  logsForRun(runId: $runId, limit: $limit, afterCursor: $afterCursor) {
    __typename
    ... on EventConnection {
      events {
        __typename
        ... on MessageEvent {
          runId
          message
          timestamp
          level
          stepKey
          eventType
        }
      }
      cursor
      hasMore
    }
    ... on PythonError {
      message
      stack
    }
    ... on RunNotFoundError {
      message
    }
  }
}
"""
"""The query of the spec, verbatim (Primary Query)."""

MAX_PAGE = 1_000  # events
_POLL_S = 0.5
_RETRY_S = 1.0

_STARTS = frozenset({"RUN_START", "PIPELINE_START"})
_ENDS = frozenset(
    {"RUN_SUCCESS", "RUN_FAILURE", "RUN_CANCELED", "PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED"}
)
"""Real Dagster servers have used both names."""

KNOWN_TYPES = frozenset(RunEventType)
"""What events of a dagscope server can be."""

Event = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which events of a run to return: the command's filters, and the maximum number (None: all)."""

    event_type: str | None = None
    step_key: str | None = None
    limit: int | None = 100

    @property
    def unknown_types(self) -> tuple[str, ...]:
        """Types that it asks for and that no event has: dagscope's, or those of other servers, that this knows."""
        asked = (text.strip().upper() for text in (self.event_type or "").split(","))
        known = KNOWN_TYPES | _STARTS | _ENDS
        return tuple(text for text in asked if text and text not in known)

    @property
    def is_filtered(self) -> bool:
        return bool(self.event_type or self.step_key)

    def among(self, events: list[Event]) -> list[Event]:
        return _filter_events_by_step(_filter_events_by_type(events, self.event_type), self.step_key)


@dataclass(frozen=True)
class Page:
    """Events as the server returns them, and the cursor of the next page."""

    events: list[Event]
    cursor: str | None
    has_more: bool


@dataclass
class RunEvents:
    """The events of one run on a server."""

    client: GraphQLClient
    run_id: str

    def up_to_limit(self, wanted: Wanted, after: str | None) -> RunEventList:
        """The wanted events after a cursor. Reads pages until it has `limit` events or the run has no more.

        The list's `cursor` is just after its last event, even in the middle of a page. Raises `QueryFailed`.
        """
        found: list[Event] = []
        cursor, has_more = after, True
        while has_more and (wanted.limit is None or len(found) < wanted.limit):
            missing = None if wanted.limit is None else wanted.limit - len(found)
            page = self.page(cursor, _page_size(wanted, missing))
            fitting = wanted.among(page.events)
            if missing is not None and len(fitting) > missing:
                page = Page(page.events, self.cursor_after(cursor, page, fitting[missing - 1]), has_more=True)
                fitting = fitting[:missing]
            found += fitting
            cursor, has_more = page.cursor, page.has_more
        with self._reading():
            items = [*map(RunEvent.model_validate, found)]
        return RunEventList(items=items, total=len(items), cursor=cursor, has_more=has_more)

    def following(self, wanted: Wanted, after: str | None, on_lost: Callable[[ConnectionLost], None]) -> "Followed":
        """The wanted events as they arrive, until the run ends. Raises `QueryFailed` if the first query fails."""
        return Followed(self, wanted, after, on_lost, self.page(after, MAX_PAGE))

    def cursor_after(self, before: str | None, page: "Page", last: Event) -> str | None:
        """The cursor just after an event of the page after `before`, from the server, because cursors are opaque."""
        count = next(place for place, event in enumerate(page.events, 1) if event is last)
        return page.cursor if count == len(page.events) else self.page(before, count).cursor

    def page(self, cursor: str | None, limit: int) -> "Page":
        """At most `limit` events after a cursor, unfiltered. Raises `QueryFailed`."""
        variables: dict[str, Any] = {"runId": self.run_id, "limit": limit}
        if cursor:
            variables["afterCursor"] = cursor
        result = self.client.execute(RUN_EVENTS_QUERY, variables).get("logsForRun")
        if not result:
            raise QueryFailed(f"No response from the GraphQL API at {self.client.url}")
        with self._reading():
            return self._read(result, cursor)

    def run_event(self, event: Event) -> RunEvent:
        """The event as a `RunEvent`. Raises `QueryFailed`."""
        with self._reading():
            return RunEvent.model_validate(event)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise QueryFailed(f"The answer from {self.client.url} is not a page of run events") from error

    def _read(self, result: dict[str, Any], cursor: str | None) -> Page:
        typename = result.get("__typename")
        if typename == "PythonError":
            error_msg = result.get("message", "Unknown error")
            raise QueryFailed(f"Failed to get events for run {self.run_id}: {error_msg}")
        if typename == "RunNotFoundError":
            raise QueryFailed(result.get("message", f"Run {self.run_id} not found"))
        if typename != "EventConnection":
            raise QueryFailed(f"Unexpected answer to logsForRun: {typename}")
        events = [_plain(event) for event in result.get("events", [])]
        page = Page(events, result.get("cursor"), bool(result.get("hasMore")))
        if page.has_more and page.cursor in (None, cursor):
            raise QueryFailed("The server has more events but returned no cursor for them")
        return page


@dataclass
class Followed:
    """Events of a run as they arrive, page by page. Iterate it once. `cursor` is just after the last page yielded."""

    events: RunEvents
    wanted: Wanted
    cursor: str | None
    on_lost: Callable[[ConnectionLost], None]
    first: Page

    def __iter__(self) -> Iterator[list[RunEvent]]:
        """Yields each page. Reports a lost connection to `on_lost` and resumes. Raises `QueryFailed`."""
        ended: bool | None = None
        missing = self.wanted.limit
        page = self.first
        while True:
            before, self.cursor = self.cursor, page.cursor or self.cursor
            ended = _has_ended(page.events, ended)
            fitting = self.wanted.among(page.events)
            is_enough = missing is not None and len(fitting) >= missing
            if is_enough:
                fitting = fitting[:missing]
                self.cursor = self.events.cursor_after(before, page, fitting[-1])
            yield [self.events.run_event(event) for event in fitting]
            if is_enough:
                return
            missing = None if missing is None else missing - len(fitting)
            if not page.has_more:
                if ended is None and self.cursor:
                    ended = self._had_ended()
                if ended:
                    return
                time.sleep(_POLL_S)
            page = self._page_after(self.cursor)

    def _page_after(self, cursor: str | None) -> Page:
        is_reported = False
        while True:
            try:
                return self.events.page(cursor, MAX_PAGE)
            except ConnectionLost as error:
                if not is_reported:
                    self.on_lost(error)
                is_reported = True
                time.sleep(_RETRY_S)

    def _had_ended(self) -> bool:
        """Whether the run had ended before the first event that was queried, according to its earlier events."""
        ended: bool | None = None
        cursor, has_more = None, True
        while has_more:
            page = self._page_after(cursor)
            ended = _has_ended(page.events, ended)
            cursor, has_more = page.cursor, page.has_more
        return bool(ended)


def _has_ended(events: list[Event], before: bool | None) -> bool | None:
    """Whether the newest start or end among the events is an end; `before` if there is neither."""
    for event in reversed(events):
        if event["eventType"] in _ENDS:
            return True
        if event["eventType"] in _STARTS:
            return False
    return before


def _page_size(wanted: Wanted, missing: int | None) -> int:
    return MAX_PAGE if missing is None or wanted.is_filtered else min(missing, MAX_PAGE)


def _plain(event: Event) -> Event:
    """An event as dagscope's server returns it. A real Dagster differs in two ways (contract, Run events)."""
    RunEventLevel[event["level"]]  # without a known level it is not a run event
    timestamp = str(event["timestamp"])
    if timestamp.isdigit():
        moment = datetime.fromtimestamp(int(timestamp) / 1000, UTC)
        timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    normal = {"timestamp": timestamp, "eventType": event["eventType"] or RunEventType.LOG_MESSAGE.value}
    return {"stepKey": None, **event, **normal}


def _filter_events_by_type(events: list[Event], event_type: str | None) -> list[Event]:
    """Filter as the spec does (Event Type Filtering)."""
    if not event_type:
        return events
    types = [t.strip().upper() for t in event_type.split(",")]
    filtered = []
    for event in events:
        event_type_val = event.get("eventType")
        if event_type_val and event_type_val.upper() in types:
            filtered.append(event)
    return filtered


def _filter_events_by_step(events: list[Event], step_key: str | None) -> list[Event]:
    """Filter as the spec does (Step Key Filtering)."""
    if not step_key:
        return events
    filtered = []
    for event in events:
        event_step = event.get("stepKey", "")
        if event_step and step_key.lower() in event_step.lower():
            filtered.append(event)
    return filtered
