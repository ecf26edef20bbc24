"""Run event queries compared with a real Dagster: the same query, client and number of events, in turn."""

import asyncio
import http.client
import json
import os
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.servers import Server, serving
from benchmarks.timing import median_seconds
from dagscope.dag.project.loading import load_project
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.workspace import open_workspace
from tests.dagster_world import DagsterWebserver, dagster_dg, dagster_webserver
from tests.doors import DAGSCOPE
from tests.projects import copy_example
from tests.run_events import SPEC_QUERY, accepted, run_event

_SERVER_GOAL, _COMMAND_GOAL = 0.2, 0.4
_RUN, _EVENTS = "bench", 1_000
_PAGES = (100, 1_000)


def figures(folder: Path, divisor: int) -> Iterator[Figure]:
    project = copy_example("hello", folder)
    asyncio.run(_record(project))
    with dagster_webserver(folder) as dagster, serving(project) as server:
        dagster.add_events(_EVENTS)
        yield from _queries(server, dagster, max(7, 41 // divisor))
        yield _commands(folder, server, max(3, 9 // divisor))


def _queries(server: Server, dagster: DagsterWebserver, times: int) -> Iterator[Figure]:
    for limit in _PAGES:
        ours = _asking(server.address, _RUN, limit)
        theirs = _asking(dagster.url, dagster.run_id, limit)
        ours(), theirs()  # the first answer compiles the query
        taken = [1000 * seconds for seconds in median_seconds(times, ours, theirs)]
        note = "compared with dagster-webserver, p50, one client"
        yield Figure(f"logsForRun, {limit:,} events", taken[0], "ms", taken[1], _SERVER_GOAL, note=note)


def _asking(address: str, run_id: str, limit: int) -> Callable[[], None]:
    """A function that sends the spec's query over a connection that is kept open."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=60)
    body = json.dumps({"query": SPEC_QUERY, "variables": {"runId": run_id, "limit": limit}}).encode()

    def ask() -> None:
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        assert len(answer["data"]["logsForRun"]["events"]) == limit

    return ask


def _commands(folder: Path, server: Server, times: int) -> Figure:
    """The whole process of each client, both querying dagscope for 100 events."""
    program, environ = dagster_dg(folder, f"{server.address}/dagster")
    ours = [Path(DAGSCOPE).with_name("dg"), "plus", "api", "run", "events", _RUN]
    theirs = [program, "api", "run", "get-events", _RUN]
    actions = [partial(_run, command, dict(os.environ) | environ) for command in (ours, theirs)]
    for action in actions:
        action()
    taken = median_seconds(times, *actions)
    note = "compared with dg api run get-events, the same 100 events"
    return Figure("dg plus api run events", taken[0], "s", taken[1], _COMMAND_GOAL, note=note)


def _run(command: list[Path | str], environ: dict[str, str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env=environ)


async def _record(project: Path) -> None:
    """Record a run with as many events as Dagster's, and messages of the same length."""
    async with open_workspace(load_project(project), Settings()) as workspace:
        workspace.emit(accepted(_RUN))
        for number in range(_EVENTS):
            workspace.emit(run_event(_RUN, f"event number {number} with a message of usual length"))
        await workspace.recorder.flush()
