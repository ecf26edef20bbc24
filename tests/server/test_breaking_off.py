"""Cancelling the Python of raw assets: it ends with its thread, and no lock of a library stays held."""

import logging
import threading
from pathlib import Path

import pytest

from dagscope.dag.run.runner import ASSET_THREAD
from tests.doors import OpenDoor, wait_until
from tests.projects import raw, write_project

pytestmark = pytest.mark.slow

START = "import logging, statistics, sys, time\nL = logging.getLogger('lib')\n"
START += "sys.path.insert(0, __file__.rsplit('/', 4)[0])\n\n"
LOOPS = {
    "log": "    while True: context.log.info('x')\n",
    "logging": "    while True: L.warning('x')\n",
    "library": "    while True: statistics.mean(range(100))\n",
    "sleep": "    while True: time.sleep(0.01)\n",
    "nothing": "    while True: pass\n",
    "handled": "    while True:\n        try: time.sleep(0.01)\n        except Exception: pass\n",
    "generator": "    sum(1 for _ in iter(int, 1))\n",
    "helper": "    import endless_helper\n    endless_helper.work()\n",
}


@pytest.mark.parametrize("loop", LOOPS)
def test_endless_python(tmp_path: Path, opened: OpenDoor, loop: str) -> None:
    """Endless Python that is cancelled ends within a second and leaves no thread; loggers write as before."""
    text = f"{START}def execute(context):\n    (context.log.info('begun'))\n{LOOPS[loop]}"
    helper = {"endless_helper.py": "def work():\n    while True: sum(range(10))\n"}
    door = opened(
        write_project(tmp_path, {raw("s.a"): text, raw("s.b"): text, **helper}), post_wait_ms=0, max_workers=2
    )
    for task_id in ("one", "two", "three"):
        door.run(task_id)
        wait_until(lambda task_id=task_id: door.get(f"/api/logs/{task_id}").text.count('"begun"') == 2)
        answer = door.post(f"/api/dag/cancel/{task_id}").json()
        assert [node["message"] for node in answer["nodes"]] == ["cancelled", "cancelled"]
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(ASSET_THREAD)])
    for handler in logging.getLogger().handlers:
        assert handler.lock is None or handler.lock.acquire(blocking=False)
        handler.release()


def test_functions_left_behind(tmp_path: Path, opened: OpenDoor) -> None:
    """What a cancelled asset leaves registered in a library does not end other assets."""
    files = {
        raw("s.a"): f"{START}def left(record):\n    return True\n\ndef execute(context):\n    L.addFilter(left)\n"
        "    (context.log.info('begun'))\n    while True: pass\n",
        raw("s.b"): f"{START}def execute(context):\n    time.sleep(0.6)\n    L.warning('x')\n",
    }
    door = opened(write_project(tmp_path, files), post_wait_ms=0, max_workers=1)
    door.post("/api/dag/asset/s.a/execute", {"taskId": "one"})
    wait_until(lambda: '"begun"' in door.get("/api/logs/one").text)
    door.post("/api/dag/cancel/one")
    ended = ("SUCCESS", "FAILED")
    for task_id in ("two", "three", "four"):  # a new thread often has the number of the old one
        door.post("/api/dag/asset/s.b/execute", {"taskId": task_id})
        wait_until(lambda task_id=task_id: door.get(f"/api/dag/status/{task_id}").json()["status"] in ended)
        assert door.get(f"/api/dag/status/{task_id}").json()["status"] == "SUCCESS"
    logging.getLogger("lib").filters.clear()


def test_function_keeps_its_text(tmp_path: Path, opened: OpenDoor) -> None:
    """A raw asset's functions have their docstrings, lines and sources, although they can be ended."""
    text = 'import inspect\n\ndef execute(context):\n    """Say it."""\n'
    text += "    return [execute.__doc__, inspect.getsource(execute).count('\\n'), inspect.currentframe().f_lineno]\n"
    door = opened(write_project(tmp_path, {raw("s.a"): text}))
    door.run("t")
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == ["Say it.", 3, 5]


def test_what_the_file_defines_can_be_pickled(tmp_path: Path, opened: OpenDoor) -> None:
    """Classes and functions of a raw asset's file can be pickled, as process pools do."""
    text = "import pickle\n\nclass Point:\n    x = 1\n\ndef execute(context):\n"
    text += "    return pickle.loads(pickle.dumps(Point())).x\n"
    door = opened(write_project(tmp_path, {raw("s.a"): text}))
    assert door.run("t").json()["nodes"][0]["message"] == ""
