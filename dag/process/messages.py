"""What the server and the process of runs say to each other, as msgpack. No message can make the other run code."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from dagscope.dag.events.log_limits import LogLimits
from dagscope.dag.run.breakpoints import GoOn
from dagscope.dag.run.runner import TaskOptions


class Begin(msgspec.Struct, frozen=True, tag=True):
    """The first message: where frames are stored, and how large one may be; the limits of memory and of logs."""

    frames: str
    frame_bytes: int | None
    frames_total_bytes: int | None
    memory_bytes: int | None
    log_limits: LogLimits


class Load(msgspec.Struct, frozen=True, tag=True):
    """Use this project from now on: its files' texts by path. `connections` has a number for each connection's name.

    A number that was used before stands for the connection that is there already, and may be open.
    """

    generation: int
    folder: str
    files: Mapping[str, str]
    connections: Mapping[str, int]


class Run(msgspec.Struct, frozen=True, tag=True):
    """Execute an attempt, `plan`, on the project that was loaded last."""

    number: int
    plan: bytes
    options: TaskOptions


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Interrupt that attempt. Sent again until it has ended."""

    number: int


class Resume(msgspec.Struct, frozen=True, tag=True):
    """The attempt holds at a breakpoint of this asset: go on like this, with the project that was loaded last."""

    number: int
    asset: str
    how: GoOn


class Stop(msgspec.Struct, frozen=True, tag=True):
    """Close all databases, and end."""


ToRuns = Begin | Load | Run | Cancel | Resume | Stop


class Happened(msgspec.Struct, frozen=True, tag=True):
    """Events in their order, secrets that were learned since the last message, and which connections are open."""

    events: bytes
    secrets: tuple[str, ...]
    open_connections: tuple[int, ...]


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The attempt has ended, and all its events were sent.

    `left_behind` are assets whose threads did not stop, `left_processes` the commands of processes that assets left
    running and that were ended; `memory_is_used_up` if the attempt failed and hardly any memory is left; `fault` is the
    error that broke the runner.
    """

    number: int
    left_behind: tuple[str, ...] = ()
    left_processes: tuple[str, ...] = ()
    memory_is_used_up: bool = False
    fault: str = ""


class Recorded(msgspec.Struct, frozen=True, tag=True):
    """What the attempt has left is recorded, as far as there was time, and all its events were sent."""


FromRuns = Happened | Ended | Recorded


class Open(msgspec.Struct, frozen=True, tag=True):
    """Serve calls on a connection, or on a session of it, over the sockets that come with this message.

    The connection is one of the project that was loaded as `generation`, or before.
    """

    generation: int
    connection: int
    in_session: bool


class SessionOpened(NamedTuple):
    """The first answer on a session's channel: what the session can do (`dag/connections/base.py:Queries`)."""

    summarizes: bool
    writes_texts: bool


class Call(msgspec.Struct, frozen=True, tag=True):
    """Call a method, or `END_SESSION`. Arguments are texts, numbers and None."""

    method: str
    args: tuple[str | int | None, ...] = ()


END_SESSION = "end"
"""The call that ends a session; what ending it raises is its answer."""


class Answered(msgspec.Struct, frozen=True, tag=True):
    """The value that the method returned. Rows follow instead, as packets of an Arrow stream, up to an empty one."""

    value: Any = None


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The method raised a `DagscopeError` of that class. Also sent instead of the rest of the rows."""

    error: str
    message: str
    values: Mapping[str, str]


class Faulted(msgspec.Struct, frozen=True, tag=True):
    """The same for any other error, as `CarriedFault` has it."""

    error_class: str
    shown: str


Reply = Answered | Failed | Faulted

_to_runs: msgspec.msgpack.Decoder[ToRuns] = msgspec.msgpack.Decoder(ToRuns)
_from_runs: msgspec.msgpack.Decoder[FromRuns] = msgspec.msgpack.Decoder(FromRuns)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)

encoded = msgspec.msgpack.Encoder().encode
decoded_to_runs, decoded_from_runs = _to_runs.decode, _from_runs.decode
decoded_open, decoded_call = msgspec.msgpack.Decoder(Open).decode, msgspec.msgpack.Decoder(Call).decode
decoded_reply = _replies.decode
