"""Packets arrive whole, whatever their size, and the end of the other process is noticed."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagscope.dag.process import packets
from dagscope.dag.process.packets import PacketWriter, PeerGone


@given(st.lists(st.integers(0, 200_000), max_size=5))
def test_whole_packets(sizes: list[int]) -> None:
    """Each packet has the bytes that were sent as one."""
    ours, its = socket.socketpair()
    with ours, its, ours.makefile("rb") as file:
        sending = threading.Thread(target=lambda: [packets.send(its, b"x" * size) for size in sizes])
        sending.start()
        assert [len(packets.receive(file)) for _ in sizes] == sizes
        sending.join()


@pytest.mark.parametrize("sent", [b"", b"\0\0", b"\0\0\0\5abc"])
def test_an_end_in_the_middle(sent: bytes) -> None:
    """A packet that is broken off is never taken for a whole one."""
    ours, its = socket.socketpair()
    with ours, ours.makefile("rb") as file:
        its.sendall(sent)
        its.close()
        with pytest.raises(PeerGone):
            packets.receive(file)


def test_nobody_receives() -> None:
    """Sending to a process that has ended says so."""
    ours, its = socket.socketpair()
    ours.close()
    with its, pytest.raises(PeerGone):
        packets.send(its, b"x")


def test_a_file_of_packets() -> None:
    """What is written to the file is sent in packets; nothing is none, as an empty one ends the file."""
    ours, its = socket.socketpair()
    with ours, its, ours.makefile("rb") as file, PacketWriter(its) as writer:
        assert [writer.write(data) for data in (b"one", b"", memoryview(b"three"))] == [3, 0, 5]
        assert [packets.receive(file), packets.receive(file)] == [b"one", b"three"]
