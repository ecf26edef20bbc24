"""A task on a project's server: its status and its event stream, across restarts of that server.

docs/http-api/stream.md describes the stream. After a break it resumes after the last message that was read, so that
no message is lost or repeated.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from dagscope.cli.http_client import HttpClient, HttpFailed, NoAnswer
from dagscope.dag.ground.json_text import json_text
from dagscope.storage.state_folder import StateFolder

_KINDS = "task,node,log,run_event"
PATIENCE_S = 60  # how long a server that has answered before may be unreachable
_RETRY_S = 1.0
_AGAIN_S = 0.1  # a task that has ended has no stream until its next attempt starts

OnLost = Callable[[str], None]
"""Called with a line for people, once each time the server is lost."""


class Refused(HttpFailed):
    """The server answered, but did not do what it was asked to."""


@dataclass(frozen=True)
class Message:
    """A message of the stream. The stream can be resumed after `position`."""

    event: str
    data: Any
    position: str


class TaskServer:
    """The server of a project, for one task. After a restart it may have another address."""

    def __init__(self, state: StateFolder, address: str, token: str | None, task_id: str) -> None:
        self._state = state
        self._headers = {"Dagscope-Dialect": "none"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._task = quote(task_id, safe="")
        self.address, self._client = address, self._client_of(address)

    def _client_of(self, address: str) -> HttpClient:
        return HttpClient(address, self._headers, through_proxies=False)  # the server is on this machine

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer, an error's too. Raises `HttpFailed`."""
        answer = self._client.ask(method, path, json_text(body).encode() if body is not None else None)
        values = _object(answer.body)
        if values is None:
            raise Refused(f"the server at {self.address} did not return a JSON object: {answer.body[:80]!r}")
        return values

    def refusal(self, answer: dict[str, Any] | None) -> Refused:
        """The error for an answer that refuses the request."""
        said = (answer.get("error"), answer.get("details")) if answer else ("its answer is no JSON object",)
        reason = ": ".join(str(text) for text in said if text)
        return Refused(f"the server at {self.address} refused: {reason}")

    def go_on(self, asset: str, action: str) -> None:
        """Continue the task where it holds at this asset. Raises `HttpFailed`; `Refused` says why it still holds."""
        answer = self.ask("POST", f"/api/dag/continue/{self._task}", {"asset": asset, "action": action})
        if "nodes" not in answer:
            raise self.refusal(answer)

    def cancel(self) -> dict[str, Any]:
        """Cancel the task and wait until it has ended. Returns its status. Raises `HttpFailed`."""
        self.ask("POST", f"/api/dag/cancel/{self._task}")
        return self._status()

    def status(self, on_lost: OnLost) -> dict[str, Any]:
        """The task's status. Waits for a server that is not reachable. Raises `HttpFailed`."""
        patience = _Patience(on_lost)
        while True:
            try:
                self._find()
                return self._status()
            except NoAnswer as error:
                patience.wait(error)

    def messages(self, on_lost: OnLost) -> Iterator[Message]:
        """The task's `snapshot`, then all changes of the task and its nodes. Does not end by itself.

        Waits for a server that has answered before and is not reachable. Raises `HttpFailed`.
        """
        position = ""
        patience = _Patience(on_lost)
        while True:
            try:
                self._find()
                before = position
                for message in self._connected(position):
                    patience.renew()
                    position = message.position
                    yield message
                if position == before:  # a server that cannot read its state ends every stream at once
                    raise NoAnswer(f"The server at {self.address} ended its stream without a message")
            except NoAnswer as error:
                if not position:
                    raise
                patience.wait(error)
            else:
                time.sleep(_AGAIN_S)

    def _find(self) -> None:
        """Find the current server: another program may use the old address by now. Raises `NoAnswer`."""
        owner = self._state.in_use_by()
        if owner is None or owner.address is None:
            raise NoAnswer(f"The server at {self.address} has stopped")
        if owner.address != self.address:
            self.address, self._client = owner.address, self._client_of(owner.address)

    def _status(self) -> dict[str, Any]:
        answer = self.ask("GET", f"/api/dag/status/{self._task}")
        if "nodes" not in answer:
            raise self.refusal(answer)
        return answer

    def _connected(self, position: str) -> Iterator[Message]:
        """The messages after a position, until the stream ends."""
        headers = {"Last-Event-ID": position} if position else {}
        with self._client.stream(f"/api/events?taskId={self._task}&kinds={_KINDS}", headers) as stream:
            if stream.status == 204:
                return
            if stream.status != 200:
                raise self.refusal(_object(b"".join(stream.lines)))
            yield from _messages(stream.lines, position)


class _Patience:
    """How long to wait for a server that is not reachable. Every message from it restarts the clock."""

    def __init__(self, on_lost: OnLost) -> None:
        self._on_lost = on_lost
        self._lost_s: float | None = None

    def renew(self) -> None:
        self._lost_s = None

    def wait(self, error: NoAnswer) -> None:
        """Wait a little. Raises the error once the wait has taken too long."""
        if self._lost_s is None:
            self._lost_s = time.monotonic()
            self._on_lost(f"The server does not answer; trying again for {PATIENCE_S} seconds ...")
        if time.monotonic() - self._lost_s > PATIENCE_S:
            raise error
        time.sleep(_RETRY_S)


def _messages(lines: Iterator[bytes], position: str) -> Iterator[Message]:
    """Parse server-sent events as dagscope writes them: `data` is one line of JSON."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name:
            fields[name] = value
            continue
        if "data" in fields:
            position = fields.get("id", position)
            yield Message(fields.get("event", ""), json.loads(fields["data"]), position)
        fields = {}


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(body)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
