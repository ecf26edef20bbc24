"""Projects that keep a server busy."""

from pathlib import Path

from tests.projects import PROFILE, block, model, raw, write_project

NOISY = """\
import time


def execute(context):
    for number in range({lines}):
        context.log.{level}(f"line {{number}}", number=number, text="x" * {width})
        if number % {burst} == 0:
            time.sleep({pause_s})
    return {{"lines": {lines}, "task": context.task_id}}
"""
PACED = """\
import time


def execute(context):
    begun = time.monotonic()
    for number in range({lines}):
        context.log.debug(f"line {{number}}", number=number)
        time.sleep(max(0, begun + number / {per_second} - time.monotonic()))
"""
SLEEPER = """\
import time


def execute(context):
    context.log.info("going to sleep")
    time.sleep(600)
"""
STARTER = """\
import subprocess, time


def execute(context):
    subprocess.Popen(["sleep", "600"])
    time.sleep(0.3)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    time.sleep(0.3)
"""
"""Leaves processes running, which its task or its kill must end."""
FRAMED = "is_data_framed: true"


def noisy(lines: int, burst: int, pause_s: float, level: str = "debug", width: int = 20) -> str:
    """A raw asset that writes lines, with a pause after each burst. The level `info` makes two events per line."""
    return NOISY.format(lines=lines, burst=burst, pause_s=pause_s, level=level, width=width)


def raw_project(folder: Path, **sources: str) -> Path:
    """A project with raw assets in the stage `raw`."""
    return write_project(folder, {raw(f"raw.{name}"): source for name, source in sources.items()})


def busy_project(folder: Path) -> Path:
    """A task of about a second, with everything that a task can contain."""
    files = {
        "profile.yaml": _with_stage("joined", "summary", "raw_upstreams: [base.noisy]"),
        raw("base.noisy"): noisy(lines=100, burst=4, pause_s=0.02, level="info"),
        raw("joined.summary"): noisy(lines=60, burst=4, pause_s=0.02),
        model("mart.history"): block("materialization: incremental")
        + 'SELECT id, v FROM {{ Ref("joined.m0") }} WHERE id < 100',
        model("mart.newest"): block("materialization: view") + 'SELECT * FROM {{ Ref("mart.history") }}',
        "assets/tests/some_rows.sql": 'SELECT 1 AS none WHERE (SELECT count(*) FROM {{ Ref("mart.newest") }}) = 0',
        model("side.small"): block(FRAMED) + "SELECT 1 AS one, '{{ TaskID }}' AS task",
    }
    for index in range(4):
        head = block(f"{FRAMED}\ntests:\n  - name: positive_{index}")
        files[model(f"base.m{index}")] = f"{head}SELECT range AS id, range * {index + 1} % 97 AS v FROM range(20000)"
        files[f"assets/tests/base/positive_{index}.sql"] = f'SELECT * FROM {{{{ Ref("base.m{index}") }}}} WHERE id < 0'
        one, other = f'{{{{ Ref("base.m{index}") }}}}', f'{{{{ Ref("base.m{(index + 1) % 4}") }}}}'
        files[model(f"joined.m{index}")] = (
            f"SELECT id, one.v + other.v AS v FROM {one} AS one JOIN {other} AS other USING (id)"
        )
    return write_project(folder, files)


def framed_project(folder: Path, frames: int, rows: int = 5_000) -> Path:
    """Assets whose frames differ in every run. Every fifth one is a JSON value, and one more asset reads a frame."""
    files = {
        "profile.yaml": _with_stage("end", "reader", "raw_upstreams: [framed.m1]"),
        raw("end.reader"): 'def execute(context):\n    return context.input["framed.m1"].num_rows\n',
    }
    for index in range(frames):
        if index % 5 == 0:
            source = f'def execute(context):\n    return {{"n": {index}, "task": context.task_id, "text": "x" * 300}}\n'
            files[raw(f"framed.m{index}")] = source
        else:
            sql = f"SELECT range AS id, '{{{{ TaskID }}}}-{index}' AS text FROM range({rows})"
            files[model(f"framed.m{index}")] = block(FRAMED) + sql
    return write_project(folder, files)


def _with_stage(stage: str, name: str, keys: str) -> str:
    return (
        f"{PROFILE}models:\n  stages:\n    - name: {stage}\n      models:\n        - name: {name}\n          {keys}\n"
    )
