"""Raw assets that do their worst (`tests/faults/hostile_assets.py`), one after the other, in one server."""

import asyncio
import contextlib
import re
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.descendants import OF_A_SERVER
from tests.faults.hostile_assets import HOSTILE_ASSETS, MEMORY_BYTES, HostileAsset
from tests.faults.outcome import Outcome
from tests.faults.server import Server
from tests.projects import copy_example, raw

_CANCEL_LIMIT_S = 2
_STUCK_S = 60

PROBE = """\
import gc, hashlib, logging, os, resource, socket, stat, subprocess, sys, threading
import structlog


def execute(context):
    umask = os.umask(0o077)
    os.umask(umask)
    print("printed")
    structlog.get_logger().info("logged by structlog")
    logging.getLogger("probe").warning("logged by logging")
    context.connection("memory_duck").execute("SELECT 1")
    return {
        "folder": os.getcwd(),
        "umask": umask,
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "environment": hashlib.sha256(repr(sorted(os.environ.items())).encode()).hexdigest(),
        "children's": subprocess.run(["env"], capture_output=True, text=True, check=True).stdout.count("\\n"),
        "streams": [type(sys.stdout).__name__, type(sys.stderr).__name__],
        "output": [stat.S_ISFIFO(os.fstat(number).st_mode) for number in (1, 2)],
        "structlog": [getattr(processor, "__name__", "") for processor in structlog.get_config()["processors"]],
        "logging": [[type(handler).__name__ for handler in logging.root.handlers], logging.root.manager.disable],
        "imports": [sys.path[:], len(sys.meta_path), len(sys.path_hooks)],
        "tracing": [repr(sys.gettrace()), repr(sys.getprofile()), repr(threading.gettrace())],
        "garbage": [gc.isenabled(), gc.get_threshold()],
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "timeout": socket.getdefaulttimeout(),
    }
"""
"""What it returns and logs must be the same after every other asset."""
_LOGGED = ["logged by logging", "logged by structlog", "printed"]


async def hostile_assets(folder: Path, random: Random, short: int) -> Outcome:
    """Each ends its own node, and nothing else. If `short`, only those that show the most in the least time."""
    outcome = Outcome()
    assets = [asset for asset in HOSTILE_ASSETS if asset.is_quick or not short]
    random.shuffle(assets)
    project = copy_example("hello", folder)
    for name, source in {"probe.state": PROBE, **{f"bad.{asset.name}": asset.source for asset in assets}}.items():
        (project / raw(name)).parent.mkdir(exist_ok=True)
        (project / raw(name)).write_text(source, encoding="utf-8")
    async with Server(project, {"post_wait_ms": 100, "memory_bytes": MEMORY_BYTES}) as server:
        untouched = await _probe(server, "before", outcome)
        with _answering(server.port, outcome):
            for asset in assets:
                await _test(server, asset, outcome)
                now = await _probe(server, f"after-{asset.name}", outcome)
                touched = [f"{name}: {now.get(name)}" for name in untouched if now.get(name) != untouched[name]]
                outcome.expect(not touched, f"{asset.name} changed {', '.join(touched)}")
        await server.stop()
        left = await server.descendants.left()
        outcome.expect(not left, f"left by the server: {left}")
    return outcome


async def _test(server: Server, asset: HostileAsset, outcome: Outcome) -> None:
    outcome.count("hostile assets")
    begun = time.monotonic()
    status = (
        await _cancelled(server, asset, outcome)
        if asset.cancelled
        else await _executed(server, asset.name, f"bad.{asset.name}")
    )
    node = next((node for node in status["nodes"] if node["assetName"] == f"bad.{asset.name}"), {})
    found = (node.get("state"), node.get("message"))
    took = f"after {time.monotonic() - begun:.1f} s"
    if asset.message:
        is_right = found[0] == "FAILED" and re.match(asset.message, str(found[1]))
        outcome.expect(bool(is_right), f"{asset.name} ended {found} {took}, not {asset.message}")
    else:
        outcome.expect(found == ("SUCCESS", ""), f"{asset.name} ended {found} {took}")
    left = await server.descendants.left(OF_A_SERVER)
    outcome.expect(not left, f"{asset.name} leaves {left}")


async def _executed(server: Server, task_id: str, asset: str) -> dict[str, Any]:
    await _begin(server, task_id, asset)
    return await server.ended(task_id, _STUCK_S)


async def _begin(server: Server, task_id: str, asset: str) -> None:
    answer = await server.ask("POST", f"/api/dag/asset/{asset}/execute", {"taskId": task_id, "assetName": asset})
    assert answer.is_good or b"FAILED" in answer.body, answer.body
    while (await server.get(f"/api/dag/status/{task_id}"))["status"] == "NOT_STARTED":  # it may not be recorded yet
        await asyncio.sleep(0.02)


async def _cancelled(server: Server, asset: HostileAsset, outcome: Outcome) -> dict[str, Any]:
    """The status after a cancel, which comes when the asset has started to wait."""
    await _begin(server, asset.name, f"bad.{asset.name}")
    while (await server.get(f"/api/dag/status/{asset.name}")).get("inProgressAssets") != 1:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    await server.ask("POST", f"/api/dag/cancel/{asset.name}")
    status = await server.ended(asset.name, _STUCK_S)
    outcome.note_longest("cancel", time.monotonic() - begun)
    return status


async def _probe(server: Server, when: str, outcome: Outcome) -> dict[str, Any]:
    """What the probe returns, in a task of its own, and what it logs."""
    task_id, begun = f"probe-{when}", time.monotonic()
    status = await _executed(server, task_id, "probe.state")
    outcome.note_longest("next task", time.monotonic() - begun)
    if not outcome.expect(status["status"] == "SUCCESS", f"{task_id}: {status}"):
        return {}
    logs = (await server.get(f"/api/logs/{task_id}"))["logs"]
    logged = sorted(entry["message"] for entry in logs if entry["message"] in _LOGGED)
    outcome.expect(logged == _LOGGED, f"{task_id} logged {logged}")
    data: dict[str, Any] = (await server.get(f"/api/dag/asset/probe.state/data?taskId={task_id}"))["data"]
    return data


@contextlib.contextmanager
def _answering(port: int, outcome: Outcome) -> Any:
    """Inside the block, the server is asked all the time; measures how long its answers take."""
    taken_ms: list[float] = []
    done = threading.Event()

    def ask() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        while not done.wait(0.01):
            begun = time.perf_counter()
            try:
                connection.request("GET", "/api/dag/status/none")
                connection.getresponse().read()
            except (OSError, HTTPException) as error:
                outcome.losses.append(f"the server did not answer: {error!r}")
                connection.close()
            taken_ms.append((time.perf_counter() - begun) * 1_000)
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
        ordered = sorted(taken_ms) or [0.0]
        p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
        outcome.measures["answers meanwhile"] = (
            f"p50 {p50:.0f} p99 {p99:.0f} max {ordered[-1]:.0f} ms of {len(ordered)}"
        )
