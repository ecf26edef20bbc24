"""Real `dagscope serve` processes, and a client whose own cost is small."""

import http.client
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.doors import ServerDoor

_PATIENCE_S = 600
_CHUNK_BYTES = 1 << 20


class Client:
    """A client of one server, over one connection that is kept open. Any status that is not expected is an error."""

    def __init__(self, address: str) -> None:
        host = urllib.parse.urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(host, timeout=_PATIENCE_S)

    def get(self, path: str) -> bytes:
        return self._ask("GET", path).read()

    def drain(self, path: str) -> int:
        """Read a long answer and discard it. Returns its size in bytes."""
        answer, count = self._ask("GET", path), 0
        while chunk := answer.read1(_CHUNK_BYTES):
            count += len(chunk)
        return count

    def run(self, task_id: str, data: dict[str, Any] | None = None, capture: str | None = None) -> None:
        """Run the DAG to its end. It must succeed."""
        body = json.dumps({"taskId": task_id, "data": data or {}} | ({"capture": capture} if capture else {}))
        answer: dict[str, Any] = json.loads(self._ask("POST", "/api/dag/run", body).read())
        assert answer["status"] == "SUCCESS", answer

    def wait_for_runs(self) -> None:
        """Wait until the process of runs has started; no database is open afterwards."""
        for what in ("connect", "disconnect"):
            self._ask("POST", f"/api/dag/{what}", "").read()

    def start(self, task_id: str) -> None:
        """Run the DAG. On a server whose POSTs do not wait, this returns at once."""
        self._ask("POST", "/api/dag/run", json.dumps({"taskId": task_id}), http.client.ACCEPTED).read()

    def cancel(self, task_id: str) -> None:
        """Cancel a task, and wait until it has ended. One that had already ended stays as it is."""
        self._ask("POST", f"/api/dag/cancel/{task_id}", "", http.client.OK, http.client.CONFLICT).read()

    def _ask(self, method: str, path: str, body: str | None = None, *expected: int) -> http.client.HTTPResponse:
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = self._connection.getresponse()
        if answer.status not in (expected or (http.client.OK,)):
            raise AssertionError(f"{method} {path}: {answer.status} {answer.read()[:500]!r}")
        return answer

    def close(self) -> None:
        self._connection.close()


class Server:
    """A server to measure: its process id and its address."""

    def __init__(self, door: ServerDoor) -> None:
        self.pid, self.address = door.process.pid, door.address

    def processes(self) -> list[psutil.Process]:
        """The server, the process of its runs, and the guardian between them."""
        server = psutil.Process(self.pid)
        return [server, *server.children(recursive=True)]

    def processor_s(self) -> float:
        """The processor time of all of them so far."""
        taken = [process.cpu_times() for process in self.processes()]
        return sum(each.user + each.system for each in taken)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A new connection, because a server closes one that was silent for some seconds."""
        client = Client(self.address)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def serving(folder: Path, **settings: int) -> Iterator[Server]:
    """A server of the project, stopped at the end. By default, its POSTs wait until what they started has ended."""
    door = ServerDoor(folder, **{"post_wait_ms": _PATIENCE_S * 1000, **settings})
    try:
        yield Server(door)
    finally:
        door.stop()
