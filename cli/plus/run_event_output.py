"""Run events as a table and as JSON (run API spec, Output Formats). Output for scripts has no decoration."""

import json
import sys
from collections.abc import Iterable
from typing import Protocol, TextIO

from dagscope.dag.events.run_events import RunEvent
from dagscope.dag.ground.terminal_text import shown

_HEADER = f"{'TIMESTAMP':<20} {'TYPE':<20} {'STEP_KEY':<29} MESSAGE"
_RULE = f"{'-' * 20} {'-' * 20} {'-' * 29} {'-' * 50}"
_TO_SECONDS = len("2025-08-12T18:04:12")


class Output(Protocol):
    """Takes events one by one. `finish` ends the output."""

    def start(self, run_id: str) -> None: ...

    def add(self, event: RunEvent) -> None: ...

    def finish(self, cursor: str | None) -> None: ...


class TableOutput:
    """The table for people. A value that is longer than its column moves the rest to the right; nothing is cut."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._count = stream, 0

    def start(self, run_id: str) -> None:
        self._print(f"Events for run {shown(run_id)}:", "", _HEADER, _RULE)

    def add(self, event: RunEvent) -> None:
        self._count += 1
        timestamp, step_key = shown(event.timestamp)[:_TO_SECONDS], shown(event.step_key or "")
        self._print(f"{timestamp:<20} {shown(event.event_type):<20} {step_key:<29} {shown(event.message)}")

    def finish(self, _: str | None) -> None:
        self._print("", f"Total events: {self._count}")

    def _print(self, *lines: str) -> None:
        _write(self._stream, "".join(f"{line}\n" for line in lines))


class JsonOutput:
    """One JSON document, written as its events arrive. It is ASCII, so that it cannot affect a terminal.

    `with_cursor` adds `cursor`, the value for the next `--after`. Without it, the keys are exactly those of the spec.
    """

    def __init__(self, stream: TextIO, with_cursor: bool) -> None:
        self._stream, self._with_cursor, self._count = stream, with_cursor, 0

    def start(self, run_id: str) -> None:
        self._print(f'{{\n  "run_id": {json.dumps(run_id)},\n  "events": [')

    def add(self, event: RunEvent) -> None:
        text = json.dumps(event.model_dump(mode="json", by_alias=True), indent=2).replace("\n", "\n    ")
        self._print(("," if self._count else "") + f"\n    {text}")
        self._count += 1

    def finish(self, cursor: str | None) -> None:
        end = "\n  ]" if self._count else "]"
        foot = f',\n  "cursor": {json.dumps(cursor)}' if self._with_cursor else ""
        self._print(f'{end},\n  "count": {self._count}{foot}\n}}\n')

    def _print(self, text: str) -> None:
        _write(self._stream, text)


def write_all(output: Output, run_id: str, events: Iterable[RunEvent], cursor: str | None) -> None:
    """Write a complete list."""
    output.start(run_id)
    for event in events:
        output.add(event)
    output.finish(cursor)


def write_error(message: str, run_id: str, as_json: bool) -> None:
    """Write an error to standard error (run API spec, Error Handling)."""
    if as_json:
        text = json.dumps({"error": message, "run_id": run_id}, indent=2)
    else:
        text = shown(f"Error querying Dagster Plus API: {message}")
    _write(sys.stderr, f"{text}\n")


def write_note(message: str) -> None:
    """Write a note for people to standard error."""
    _write(sys.stderr, f"{shown(message)}\n")


def _write(stream: TextIO, text: str) -> None:
    """Write a text, with escapes for what the terminal's encoding does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
