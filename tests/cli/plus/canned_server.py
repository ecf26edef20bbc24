"""A real HTTP server that returns the answer that a test wants, including faulty ones."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@dataclass
class CannedServer:
    """The server's address and the requests that it received."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def canned_server(answer: Answer) -> Iterator[CannedServer]:
    """Serve `answer` on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            served.requests.append(body)
            served.headers.append(dict(self.headers))
            answer(self, body)

        def log_message(self, *_: Any) -> None:
            """Log nothing to the console."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = CannedServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def text(body: str | bytes, status: int = 200, kind: str = "application/json", **headers: str) -> Answer:
    """Always this answer."""

    def answer(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        content = body.encode() if isinstance(body, str) else body
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def logs(result: Any) -> Answer:
    """Always this `logsForRun`."""
    return text(json.dumps({"data": {"logsForRun": result}}))


def connection(events: list[dict[str, Any]], cursor: str | None = "c", has_more: bool = False) -> dict[str, Any]:
    """A page of events."""
    return {"__typename": "EventConnection", "events": events, "cursor": cursor, "hasMore": has_more}


def event(message: str = "Step completed successfully", **values: Any) -> dict[str, Any]:
    """The event of the spec's example."""
    spec = {
        "__typename": "MessageEvent",
        "runId": "abc123-def456",
        "message": message,
        "timestamp": "2025-08-12T18:04:12",
        "level": "INFO",
        "stepKey": "transform_data",
        "eventType": "STEP_SUCCESS",
    }
    return spec | values
