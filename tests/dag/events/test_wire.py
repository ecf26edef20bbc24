"""Events as bytes, on their way from one process to another."""

import traceback

import msgspec
import pytest
from hypothesis import given

from dagscope.dag.events.events import (
    DataTestChanged,
    Event,
    Logged,
    NodeChanged,
    RunEventEmitted,
    TaskAccepted,
    TaskChanged,
    TaskEnded,
)
from dagscope.dag.events.status import LogEntry
from dagscope.dag.events.wire import decode, encode
from dagscope.dag.ground.carried_fault import CarriedFault
from tests.random_values import values

KINDS = (TaskChanged, TaskAccepted, TaskEnded, NodeChanged, DataTestChanged, Logged, RunEventEmitted)


@pytest.mark.parametrize("kind", KINDS)
def test_event_that_was_sent(kind: type[Event]) -> None:
    """Every event arrives as it was sent, with any text and any number that it can have."""

    @given(values(tuple[kind, ...]))  # type: ignore[valid-type]  # a type for each kind
    def check(events: tuple[Event, ...]) -> None:
        assert repr(decode(encode(events))) == repr(events)  # of equal values too: NaN is not equal to itself

    check()


def test_fault_that_was_sent() -> None:
    """An unexpected error arrives as the name of its class and its traceback, however often it is sent."""
    entry = LogEntry(level="error", time="12:00", message="Asset execution failed", task_id="t")
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    (once,) = decode(encode([Logged("t", 1, entry, caught.value)]))
    (twice,) = decode(encode([once]))
    for event in (once, twice):
        assert isinstance(event, Logged)
        assert event.entry == entry
        assert isinstance(event.fault, CarriedFault)
        assert event.fault.error_class == "ZeroDivisionError"
        assert event.fault.shown == "".join(traceback.format_exception(caught.value)).rstrip()


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01", b"\x00\x91\x92\xa3xyz\x01", b"\x01\x91\x01", b"{}"])
def test_bytes_that_are_no_events(data: bytes) -> None:
    """Bytes that are no events are refused."""
    with pytest.raises(msgspec.DecodeError):
        decode(data)
