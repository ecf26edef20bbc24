"""`dg plus api run events`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from dagscope.cli.exits import EXIT_FAILED, EXIT_INTERRUPTED
from dagscope.cli.plus.graphql_client import ConnectionLost, GraphQLClient, QueryFailed
from dagscope.cli.plus.plus_config import ConfigUnusable, read_config
from dagscope.cli.plus.run_event_output import JsonOutput, Output, TableOutput, write_all, write_error, write_note
from dagscope.cli.plus.run_event_query import RunEvents, Wanted
from dagscope.dag.events.run_events import RunEventType


@dataclass(frozen=True)
class EventsOptions:
    """The options of the command. `after` is "" for the beginning and None if it is not given."""

    wanted: Wanted
    as_json: bool
    follow: bool
    after: str | None


def show_events(run_id: str, options: EventsOptions) -> int:
    """Print the events of a run. Returns the exit code. Raises `click.UsageError` for an unusable configuration."""
    try:
        events = RunEvents(GraphQLClient(read_config()), run_id)
    except ConfigUnusable as error:
        raise click.UsageError(str(error)) from error
    if options.wanted.unknown_types:
        write_note(_about_types(options.wanted.unknown_types))
    try:
        return _follow(events, options) if options.follow else _list(events, options)
    except QueryFailed as error:
        write_error(str(error), run_id, options.as_json)
        return EXIT_FAILED


def _about_types(unknown: tuple[str, ...]) -> str:
    """A note and no error: another server may have types of its own."""
    return f"No event of dagscope has the type {', '.join(unknown)}; its types are {', '.join(RunEventType)}"


def _output(options: EventsOptions) -> Output:
    if options.as_json:
        return JsonOutput(sys.stdout, with_cursor=options.after is not None)
    return TableOutput(sys.stdout)


def _list(events: RunEvents, options: EventsOptions) -> int:
    found = events.up_to_limit(options.wanted, options.after)
    write_all(_output(options), events.run_id, found.items, found.cursor)
    if found.has_more and not options.as_json:
        write_note(f"There are more events: continue with --after {found.cursor}")
    return 0


def _follow(events: RunEvents, options: EventsOptions) -> int:
    """Print events as they arrive. However it ends, the output is a complete table or a valid document."""
    following = events.following(options.wanted, options.after, _report_lost)
    output = _output(options)
    output.start(events.run_id)
    cursor = following.cursor
    try:
        for page in following:
            with _uninterrupted():
                for event in page:
                    output.add(event)
                cursor = following.cursor
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    finally:
        output.finish(cursor)
    return 0


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until a page is printed, because the cursor points after that page. A second Ctrl-C is immediate."""
    interrupts: list[int] = []

    def interrupt(number: int, _: object) -> None:
        signal.signal(signal.SIGINT, before)
        interrupts.append(number)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupts:
        raise KeyboardInterrupt


def _report_lost(error: ConnectionLost) -> None:
    write_note(f"{error.reason}; trying again ...")
