"""Whatever an asset does, it ends its own node and nothing else."""

from pathlib import Path

import pytest

from tests.doors import AppDoor, OpenDoor, Serve
from tests.projects import PROFILE, block, model, raw, write_project

RAISES_IN_STR = """\
class Bad(Exception):
    def __str__(self):
        raise {raised}

def execute(context):
    raise Bad()
"""
HIDES_ITSELF = """\
class Name(type):
    @property
    def __name__(cls):
        raise SystemExit(3)

class Bad(Exception, metaclass=Name):
    __cause__ = property(lambda self: 1 / 0)
    __class__ = property(lambda self: 1 / 0)

def execute(context):
    raise Bad()
"""
BROKEN_CAUSE = """\
class Bad(Exception):
    def __str__(self):
        raise SystemExit(3)

def execute(context):
    raise RuntimeError("outer") from Bad()
"""


def project(folder: Path, files: dict[str, str]) -> Path:
    """A project that also has a valid asset, `s.other`."""
    return write_project(folder, {model("s.other"): "SELECT 1 AS id", **files})


def outcome(door: AppDoor, asset: str = "s.a") -> tuple[str, str]:
    """Run all; returns the asset's state and message. The other asset and the next task succeed."""
    nodes = {node["assetName"]: node for node in door.run("t").json()["nodes"]}
    assert nodes["s.other"]["state"] == "SUCCESS"
    assert door.post("/api/dag/asset/s.other/execute", {"taskId": "next"}).status_code == 200
    return nodes[asset]["state"], nodes[asset]["message"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RAISES_IN_STR.format(raised="self"), "Bad (a.py:6)"),
        (RAISES_IN_STR.format(raised="SystemExit(3)"), "Bad (a.py:6)"),
        (RAISES_IN_STR.format(raised="KeyboardInterrupt"), "Bad (a.py:6)"),
        (RAISES_IN_STR.replace("raise {raised}", "return 5"), "Bad (a.py:6)"),
        (RAISES_IN_STR.replace("raise {raised}", "return 'a\\ud800'"), "Bad: a? (a.py:6)"),
        (HIDES_ITSELF, "Bad (a.py:11)"),
        (BROKEN_CAUSE, "RuntimeError: outer (a.py:6)"),
        ("def execute(context):\n    raise GeneratorExit\n", "GeneratorExit (a.py:2)"),
        ("import sys\ndef execute(context):\n    sys.exit(3)\n", "SystemExit: 3 (a.py:3)"),
    ],
    ids=["itself", "exit", "interrupt", "no text", "surrogate", "hidden", "cause", "generator", "sys.exit"],
)
def test_exceptions(opened: OpenDoor, tmp_path: Path, text: str, message: str) -> None:
    """An exception fails its node with its class and its line, whatever its class does when it is asked."""
    assert outcome(opened(project(tmp_path, {raw("s.a"): text}))) == ("FAILED", message)


@pytest.mark.parametrize("value", ["170141183460469231731687303715884105727::HUGEINT", "-1", "'text'"])
def test_column_named_count(opened: OpenDoor, tmp_path: Path, value: str) -> None:
    """A column that an asset names "Count" is a column of its own, and no number of rows."""
    text = block("    materialization: custom") + f'SELECT {value} AS "Count"'
    assert outcome(opened(project(tmp_path, {model("s.a"): text}))) == ("SUCCESS", "")


def test_task_id_of_an_entry(opened: OpenDoor, tmp_path: Path) -> None:
    """An entry under a task id that cannot be stored does not keep the state from being written."""
    text = "import structlog\ndef execute(context):\n    structlog.get_logger().info('x', taskId='\\ud800')\n"
    assert outcome(opened(project(tmp_path, {raw("s.a"): text}))) == ("SUCCESS", "")


FIELDS = {"event": "created", "self": 1, "level": 2, "time": 3, "message": 4, "taskId": 5, "asset": 6, "_captured": 7}
ODD = "loss=float('nan'), least=float('-inf'), nothing=None, deep={'x': [float('nan'), None]}, when=Bad()"
BAD_REPR = "class Bad:\n    def __repr__(self):\n        raise SystemExit(3)\n    __str__ = __repr__\n\n"


def test_fields_of_a_log_call(serve: Serve, tmp_path: Path) -> None:
    """A log call keeps every field: a name that is taken gets an underscore, an odd value a text."""
    text = (
        f"{BAD_REPR}def execute(context):\n    context.log.info('x', **{FIELDS!r})\n    context.log.info('y', {ODD})\n"
    )
    door = serve(project(tmp_path, {raw("s.a"): text}))
    assert outcome(door) == ("SUCCESS", "")
    entries = {entry["message"]: entry for entry in door.get("/api/logs/t").json()["logs"]}
    taken = {"level", "time", "message", "taskId", "asset"}
    renamed = {f"{name}_" if name in taken else name: value for name, value in FIELDS.items()}
    assert renamed.items() <= entries["x"].items()
    assert {name: entries["y"][name] for name in ("loss", "least", "nothing", "deep", "when")} == {
        "loss": "NaN",
        "least": "-Infinity",
        "nothing": None,
        "deep": {"x": ["NaN", None]},
        "when": "a value that cannot be shown: SystemExit",
    }


@pytest.mark.parametrize(
    "call",
    [
        "context.log.info(Bad())",
        "logging.getLogger('x').warning('%d', Bad())",
        "logging.getLogger('x').log(35, 'x')",
        "structlog.get_logger().log(5, 'x')",
        "context.log.error('x', **{'\\ud800': 1, '': 2})",
    ],
)
def test_log_calls(serve: Serve, tmp_path: Path, call: str) -> None:
    """No log call fails an asset."""
    text = f"import logging, structlog\n{BAD_REPR}def execute(context):\n    {call}\n"
    assert outcome(serve(project(tmp_path, {raw("s.a"): text}))) == ("SUCCESS", "")


CHANGES = {
    "folder": "import os; os.chdir('/')",
    "structlog": "import structlog; structlog.configure(processors=[])",
    "logging": "import logging; logging.basicConfig(force=True); logging.disable()",
    "stderr": "import sys; sys.stderr.close(); sys.stdout = None",
    "recursion": "import sys; sys.setrecursionlimit(90)",
    "tracing": "import threading; threading.settrace(lambda *_: exit()); threading.setprofile(lambda *_: exit())",
    "umask": "import os; os.umask(0o777)",
    "descriptors": "import os; os.close(1); os.close(2)",
    "timer": "import signal; signal.setitimer(signal.ITIMER_REAL, 0.05)",
}
READS = "import logging, os, structlog, time\ndef execute(context):\n    time.sleep(0.1)\n    print('printed')\n"
READS += "    logging.getLogger('x').warning('one')\n    structlog.get_logger().info('two')\n    return os.getcwd()\n"


@pytest.mark.parametrize("change", CHANGES)
def test_state_of_the_process(serve: Serve, tmp_path: Path, change: str) -> None:
    """What a raw asset changes for the whole process is put back once it has ended."""
    files = {raw("s.a"): f"def execute(context):\n    {CHANGES[change]}\n", raw("s.b"): READS}
    door = serve(project(tmp_path, files))
    assert door.post("/api/dag/asset/s.a/execute", {"taskId": "a"}).status_code == 200
    assert door.post("/api/dag/asset/s.b/execute", {"taskId": "b"}).status_code == 200
    assert door.get("/api/dag/asset/s.b/data").json()["data"] == str(tmp_path)
    assert {"one", "two"} <= {entry["message"] for entry in door.get("/api/logs/b").json()["logs"]}


RAISED_BY_ROWS = """\
def rows():
    yield pa.record_batch({"id": [1]})
    raise GeneratorExit("enough")

def execute(context):
    return pa.RecordBatchReader.from_batches(pa.schema([("id", pa.int64())]), rows())
"""


LATE = "def execute(context):\n    return pa.table({'at': pa.array([2**62], pa.timestamp('s'))})\n"
NOT_UTF_8 = """\
def execute(context):
    buffers = [None, pa.array([0, 1], pa.int32()).buffers()[1], pa.py_buffer(bytes([255]))]
    return pa.table({"name": pa.Array.from_buffers(pa.string(), 1, buffers)})
"""
TOO_LATE = (
    'column "at" of type timestamp[s] cannot be kept in a frame: Casting from timestamp[s] to timestamp[us] would '
)
TOO_LATE += "result in out of bounds timestamp: 4611686018427387904"
NO_TEXT = 'column "name" of type string cannot be kept in a frame: Invalid UTF8 sequence at string index 0'


@pytest.mark.parametrize(
    ("text", "message"),
    [(RAISED_BY_ROWS, "GeneratorExit: enough"), (LATE, TOO_LATE), (NOT_UTF_8, NO_TEXT)],
    ids=["generator", "time", "text"],
)
def test_rows_that_cannot_be_answered(opened: OpenDoor, tmp_path: Path, text: str, message: str) -> None:
    """Rows that could not be shown later fail their asset, with a reason in one line."""
    door = opened(project(tmp_path, {raw("s.a"): f"import pyarrow as pa\n\n{text}"}))
    assert outcome(door) == ("FAILED", message)


OWN_ERRORS = """\
from dagscope.dag.ground.errors import {name} as Base

class Bad(Base):
    __str__ = lambda self: 1 / 0

def execute(context):
    raise Bad()
"""


@pytest.mark.parametrize("name", ["DagscopeError", "Cancelled"])
def test_errors_of_dagscope(opened: OpenDoor, tmp_path: Path, name: str) -> None:
    """An error of dagscope's own that an asset raises fails the asset, whose downstreams are skipped."""
    files = {raw("s.a"): OWN_ERRORS.format(name=name), raw("s.b"): "def execute(context):\n    return 1\n"}
    files["profile.yaml"] = (
        f"{PROFILE}models:\n  stages:\n    - name: s\n      models: [{{name: b, raw_upstreams: [s.a]}}]\n"
    )
    door = opened(project(tmp_path, files))
    assert outcome(door) == ("FAILED", "Bad (a.py:7)")
    assert outcome(door, "s.b") == ("INITIAL", "skipped: upstream s.a failed")


def test_index_of_a_pandas_frame(opened: OpenDoor, tmp_path: Path) -> None:
    """An index without a name brings no column, one with a name does."""
    metadata = '{"index_columns": ["__index_level_0__", "id"]}'
    text = "import pyarrow as pa\n\ndef execute(context):\n"
    text += "    rows = pa.table({'__index_level_0__': [1], 'id': [2], 'n': [3]})\n"
    text += f"    return rows.replace_schema_metadata({{'pandas': '{metadata}'}})\n"
    door = opened(project(tmp_path, {raw("s.a"): text}))
    door.run("t")
    assert door.get("/api/dag/asset/s.a/data").json()["data"] == [{"id": 2, "n": 3}]
