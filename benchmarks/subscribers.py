"""`python -m benchmarks.subscribers ADDRESS SUBSCRIBERS COUNT`: listen to a server's stream with many connections.

Prints `listening` once all of them have received their snapshot. When all have received COUNT numbered entries, or
nothing arrives any more, prints one line of JSON: `{"count", "p50_ms", "p99_ms", "longest_ms"}`. It parses as little
as possible of each entry, so that it measures the server's time and not its own.
"""

import asyncio
import gc
import json
import re
import sys
import time
import urllib.parse
from array import array
from dataclasses import asdict, dataclass

_ENTRY = re.compile(rb'"number":(\d+),"sentNs":(\d+)')
_SNAPSHOT = b"event: snapshot\n"
_SILENCE_S = 15  # without an entry; after that, no more are expected
_SETTLING_S = 2  # the server's work for new subscribers is not part of an event's time
_CONNECTING = 50  # connections opened at the same time


@dataclass(frozen=True)
class Received:
    """What all subscribers together received: the number of entries (per subscriber), and how long they took."""

    count: int
    p50_ms: float
    p99_ms: float
    longest_ms: float


class _Subscriber(asyncio.Protocol):
    """One connection. Counts entries that arrive out of order."""

    def __init__(self, host: str, delays_ns: "array[int]") -> None:
        self._host, self._delays_ns = host, delays_ns
        self._rest = b""
        self.next_number = 0
        self.out_of_order = 0
        self.has_snapshot = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"GET /api/events HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        now_ns = time.time_ns()
        data = self._rest + data
        end = 0
        for entry in _ENTRY.finditer(data):
            number, end = int(entry[1]), entry.end()
            self.out_of_order += number != self.next_number
            self.next_number = number + 1
            self._delays_ns.append(now_ns - int(entry[2]))
        if not self.has_snapshot.done() and _SNAPSHOT in data:
            self.has_snapshot.set_result(None)
        self._rest = data[max(end, len(data) - 1_000) :]  # an entry may be split between two packets


async def main() -> None:
    address, subscribers, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    url = urllib.parse.urlsplit(address)
    delays_ns = array("q")
    loop = asyncio.get_running_loop()
    listening: list[_Subscriber] = []
    while len(listening) < subscribers:
        some = min(_CONNECTING, subscribers - len(listening))
        opened = await asyncio.gather(
            *(
                loop.create_connection(lambda: _Subscriber(url.netloc, delays_ns), url.hostname, url.port)
                for _ in range(some)
            )
        )
        new = [subscriber for _, subscriber in opened]
        await asyncio.gather(*(subscriber.has_snapshot for subscriber in new))
        listening += new
    gc.freeze()
    await asyncio.sleep(_SETTLING_S)
    print("listening", flush=True)
    await _until_all_or_silence(delays_ns, subscribers * count)
    assert not any(subscriber.out_of_order for subscriber in listening), "entries came out of order, or twice"
    sorted_ms = sorted(delay / 1e6 for delay in delays_ns)
    p50, p99 = (sorted_ms[int(len(sorted_ms) * part)] for part in (0.5, 0.99))
    print(json.dumps(asdict(Received(len(delays_ns), p50, p99, sorted_ms[-1]))))


async def _until_all_or_silence(delays_ns: "array[int]", wanted: int) -> None:
    before, silent_s = -1, 0.0
    while len(delays_ns) < wanted and silent_s < _SILENCE_S:
        silent_s = silent_s + 0.1 if len(delays_ns) == before else 0.0
        before = len(delays_ns)
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main())
