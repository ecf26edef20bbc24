"""A server with more connections than `select.select` has room for."""

import resource
import socket
from contextlib import ExitStack
from pathlib import Path

from tests.doors import Serve
from tests.projects import model, raw, write_project

CONNECTIONS = 1_050


def test_another_process_of_runs(tmp_path: Path, serve: Serve) -> None:
    """The process of runs is replaced also while the server has more than 1,024 open files."""
    files = {raw("s.ends"): "import os\ndef execute(context): os._exit(3)\n", model("s.good"): "SELECT 1 AS one"}
    door = serve(write_project(tmp_path, files))
    port = int(door.address.rpartition(":")[2])
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, CONNECTIONS + 200), most))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (before, most))
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        states = [
            door.post(f"/api/dag/asset/s.{name}/execute", {"taskId": f"{name}{number}"}).json()["status"]
            for number, name in enumerate(("ends", "ends", "good"))
        ]
    assert states == ["FAILED", "FAILED", "SUCCESS"]
