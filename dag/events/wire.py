"""Events as bytes, for a process that is sent them: typed msgpack, from which nothing is executed when it is read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from dagscope.dag.events.events import (
    DataTestChanged,
    Event,
    Logged,
    NodeChanged,
    NodeRecorded,
    RunEventEmitted,
    TaskAccepted,
    TaskChanged,
    TaskEnded,
)
from dagscope.dag.ground import exact_packing
from dagscope.dag.ground.carried_fault import CarriedFault


def encode(events: Sequence[Event]) -> bytes:
    """The events; each is the same after `decode`, except that a fault becomes a `CarriedFault`."""
    if TaskAccepted not in map(type, events):  # the input of a task has decimals
        try:
            return _TYPED + _encode(events)
        except (UnicodeEncodeError, OverflowError):
            pass
    return _EXACT + exact_packing.pack(events, _described)


def decode(data: bytes) -> tuple[Event, ...]:
    """The events that were encoded. Raises `ValueError` if the bytes are none."""
    body = data[1:]
    return _decode(body) if data[:1] == _TYPED else exact_packing.unpack(body, _Events, _restored)


_TYPED, _EXACT = b"\x00", b"\x01"
"""How the events after this byte are encoded: as msgspec does by itself, or exactly."""

_Events = tuple[
    TaskChanged | TaskAccepted | TaskEnded | NodeChanged | NodeRecorded | DataTestChanged | Logged | RunEventEmitted,
    ...,
]


def _described(value: Any) -> Any:
    if isinstance(value, BaseException):
        fault = CarriedFault.of(value)
        return fault.error_class, fault.shown
    raise TypeError(f"an event cannot have a {type(value).__name__}")


def _restored(_: type, value: Any) -> CarriedFault:
    return CarriedFault(*value)


_encode = msgspec.msgpack.Encoder(enc_hook=_described).encode
_decode = msgspec.msgpack.Decoder(_Events, dec_hook=_restored).decode
