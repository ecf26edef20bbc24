"""Packets on a stream socket: four bytes of length, then the content. Both processes send and receive them."""

import io
import socket
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("!I")
_COPIED_BYTES = 65_536  # below, copying is cheaper than a second call


class PeerGone(Exception):
    """The other process has ended, or has closed the socket."""


def send(to: socket.socket, content: bytes | memoryview) -> None:
    """Send one packet; one thread at a time. Raises `PeerGone`."""
    head = _LENGTH.pack(len(content))
    try:
        if len(content) < _COPIED_BYTES:
            to.sendall(head + content)
        else:
            to.sendall(head)
            to.sendall(content)
    except OSError as error:
        raise PeerGone from error


def receive(file: io.BufferedReader) -> bytes:
    """The next packet of `socket.makefile("rb")`. Raises `PeerGone`, also in the middle of a packet."""
    return _received(file.read)


def receive_unbuffered(from_: socket.socket) -> bytes:
    """The next packet, and nothing that comes after it. Raises `PeerGone`, also in the middle of a packet."""
    return _received(lambda size: from_.recv(size, socket.MSG_WAITALL))


def _received(read: Callable[[int], bytes]) -> bytes:
    try:
        head = read(_LENGTH.size)
        if len(head) == _LENGTH.size:
            (size,) = _LENGTH.unpack(head)
            content = read(size) if size else b""
            if len(content) == size:
                return content
    except OSError as error:
        raise PeerGone from error
    raise PeerGone


class PacketWriter(io.RawIOBase):
    """A file whose writes are sent as packets; an empty packet ends it."""

    def __init__(self, to: socket.socket) -> None:
        self._to = to

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        content = memoryview(data).cast("B")
        if content:
            send(self._to, content)
        return len(content)
