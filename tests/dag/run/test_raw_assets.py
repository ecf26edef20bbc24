"""Raw assets: Python functions in the DAG."""

from typing import Any

import pytest

from dagscope.dag.events.status import TaskStatus
from dagscope.dag.ground.frames import Frame, Value
from tests.dag.run.task_run import TWO_CONNECTIONS, MakeProject, Run, RunProject
from tests.projects import PROFILE, block, model, raw

NOT_HANDED = '"s.orders" passes no data to "s.report": list it in raw_upstreams and set is_data_framed: true on it'


def execute(*lines: str, imports: str = "") -> str:
    """The text of a raw asset whose function has these lines; they start at line 2, or 3 with imports."""
    return (f"{imports}\n" if imports else "") + "def execute(context):\n" + "".join(f"    {line}\n" for line in lines)


def profile_of_report(**keys: str) -> str:
    """A profile.yaml with these keys for the raw asset `s.report`."""
    said = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{PROFILE}models:\n  stages:\n    - name: s\n      models: [{{name: report{said}}}]\n"


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        ("pa.table({'id': [1, 2]})", [{"id": 1}, {"id": 2}]),
        ("pa.table({'id': [1, 2]}).to_reader()", [{"id": 1}, {"id": 2}]),
        ("pa.record_batch({'id': [1]})", [{"id": 1}]),
        ("pa.table({'id': pa.array([], pa.int64())})", []),
        ("context.connection('duck').query('SELECT 1 AS id')", [{"id": 1}]),
        ("__import__('duckdb').connect().sql('SELECT 1 AS id')", [{"id": 1}]),
    ],
    ids=["table", "reader", "batch", "no rows", "query", "duckdb relation"],
)
def test_returned_rows(make_project: MakeProject, run_project: RunProject, returned: str, kept: Any) -> None:
    """Anything that supports Arrow is stored as a frame, with its number of rows."""
    run = run_project(make_project({raw("s.report"): execute(f"return {returned}", imports="import pyarrow as pa")}))
    result = run.facts("s.report").result
    assert isinstance(result, Frame)
    assert (run.captured("s.report"), result.rows, run.facts("s.report").rows) == (kept, len(kept), len(kept))


@pytest.mark.parametrize(
    ("returned", "data_type", "kept"),
    [
        ("{'best': ['UA', 'AA'], 'rate': 0.5}", "map", {"best": ["UA", "AA"], "rate": 0.5}),
        ("{}", "map", {}),
        ("['UA', None, {'a': 1}]", "array", ["UA", None, {"a": 1}]),
        ("(1, 2)", "array", [1, 2]),
        ("'text'", "string", "text"),
        ("336776", "number", 336776),
        ("12345678901234567890", "number", 12345678901234567890),
        ("0.5", "number", 0.5),
        ("True", "boolean", True),
        ("datetime.date(2013, 1, 2)", "string", "2013-01-02"),
        ("b'text'", "string", "dGV4dA=="),
    ],
)
def test_returned_value(
    make_project: MakeProject, run_project: RunProject, returned: str, data_type: str, kept: object
) -> None:
    """A dict, a list or a scalar is stored as a value, with its type."""
    run = run_project(make_project({raw("s.report"): execute(f"return {returned}", imports="import datetime")}))
    result = run.facts("s.report").result
    assert isinstance(result, Value)
    assert (result.data_type, run.captured("s.report")) == (data_type, kept)
    assert run.facts("s.report").rows is None


def test_returned_none(make_project: MakeProject, run_project: RunProject) -> None:
    """A function that returns None succeeds, and nothing is stored."""
    run = run_project(make_project({raw("s.report"): execute("context.log.info('done')")}))
    assert run.outcomes == {"s.report": ("SUCCESS", "")}
    assert run.facts("s.report").result is None


def test_returned_value_of_unknown_kind(make_project: MakeProject, run_project: RunProject) -> None:
    """A value that cannot be stored fails the node with an error that names its type."""
    run = run_project(make_project({raw("s.report"): execute("return {'when': object()}")}))
    message = (
        "execute returned a value that cannot be stored: a value of type builtins.object has no JSON form; "
        "return rows, a dict, a list, a scalar or None"
    )
    assert run.outcomes == {"s.report": ("FAILED", message)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (execute("1 / 0"), "ZeroDivisionError: division by zero (report.py:2)"),
        (
            execute("helper()") + "\ndef helper():\n    raise ValueError('no stock')\n",
            "ValueError: no stock (report.py:5)",
        ),
        (execute("return 1", imports="import no_such"), "ModuleNotFoundError: No module named 'no_such' (report.py:1)"),
        (execute("import json", "json.loads('{')"), None),
        (execute("context.connection('goose')"), 'unknown connection "goose"; known: duck (report.py:2)'),
        (
            execute("context.connection('duck').query('SELECT error(\\'no stock\\')')"),
            "Invalid Input Error: no stock (report.py:2)",
        ),
        (
            execute("return context.input['s.orders']"),
            f"{NOT_HANDED} (report.py:2)",
        ),
    ],
    ids=["error", "deeper", "import", "library", "connection", "sql", "input"],
)
def test_error_names_the_line(
    make_project: MakeProject, run_project: RunProject, text: str, message: str | None
) -> None:
    """An error in a raw asset fails only its node, and is reported with the last line of the file that was executed."""
    run = run_project(make_project({raw("s.report"): text, model("s.orders"): "SELECT 1"}))
    if message is None:
        message = (
            "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) (report.py:3)"
        )
    assert run.outcomes["s.report"] == ("FAILED", message)
    assert run.outcomes["s.orders"] == ("SUCCESS", "")


def test_error_in_a_shared_module(make_project: MakeProject, run_project: RunProject) -> None:
    """An error in a file that a raw asset imports names the line of the asset and the one in that file."""
    files = {
        raw("s.report"): execute("return shares.of(0)", imports="from assets.lib import shares"),
        "assets/lib/shares.py": "def of(total):\n    return 1 / total\n",
    }
    message = "ZeroDivisionError: division by zero (report.py:3, assets/lib/shares.py:2)"
    assert run_project(make_project(files)).outcomes == {"s.report": ("FAILED", message)}


@pytest.mark.parametrize("leaving", ["sys.exit(3)", "raise SystemExit(3)", "quit(3)"])
def test_exit_ends_the_asset_alone(make_project: MakeProject, run_project: RunProject, leaving: str) -> None:
    """A raw asset that exits fails its node, not dagscope."""
    run = run_project(make_project({raw("s.report"): execute(leaving, imports="import sys")}))
    assert run.outcomes == {"s.report": ("FAILED", "SystemExit: 3 (report.py:3)")}
    assert run.run_events[-1].event_type == "RUN_FAILURE"


def test_file_changed_since_the_load(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset's file is read again in every run."""
    project = make_project({raw("s.report"): execute("return 1")})
    assert run_project(project).captured("s.report") == 1
    (project.folder / raw("s.report")).write_text(execute("return 2"), encoding="utf-8")
    assert run_project(project).captured("s.report") == 2


def test_dataclass_in_a_raw_asset(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset's file is a module like any other: dataclasses with later annotations work in it."""
    imports = "from __future__ import annotations\nfrom dataclasses import asdict, dataclass"
    row = "@dataclass\nclass Row:\n    id: int\n"
    text = f"{imports}\n{row}" + execute("return asdict(Row(7))")
    assert run_project(make_project({raw("s.report"): text})).outcomes == {"s.report": ("SUCCESS", "")}


def test_context(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset gets task and instance, and the run's data as the input named __input__."""
    names = "context.task_id, context.task_uuid, context.instance_name, context.instance_uuid"
    run = run_project(make_project({raw("s.report"): execute(f"return [{names}, context.input]")}), {"since": 2013})
    assert run.captured("s.report") == ["nightly", "uuid-1", "small-dag", "uuid-2", {"__input__": {"since": 2013}}]


def test_inputs(make_project: MakeProject, run_project: RunProject) -> None:
    """Captured rows of an upstream are a pyarrow Table, its value is that value, and None is None."""
    profile = profile_of_report(raw_upstreams="[s.orders, s.best, s.none]")
    files = {
        model("s.orders"): block("is_data_framed: true") + "SELECT range AS id FROM range(3)",
        raw("s.best"): execute("return {'carrier': 'UA'}"),
        raw("s.none"): execute("return None"),
        raw("s.report"): execute(
            "rows = context.input['s.orders']",
            "return [type(rows).__name__, rows.num_rows, context.input['s.best'], context.input['s.none']]",
        ),
    }
    run = run_project(make_project({"profile.yaml": profile, **files}))
    assert run.captured("s.report") == ["Table", 3, {"carrier": "UA"}, None]


def test_input_of_an_upstream_that_has_not_run(make_project: MakeProject, run_project: RunProject) -> None:
    """Executing a raw asset without stored data of its upstream fails and says what to run first."""
    profile = profile_of_report(raw_upstreams="[s.orders]")
    orders = {model("s.orders"): block("is_data_framed: true") + "SELECT 1 AS id"}
    text = execute("return context.input['s.orders'].num_rows")
    project = make_project({"profile.yaml": profile, **orders, raw("s.report"): text})
    message = 'no data of "s.orders" is stored for "s.report": run "s.orders" first (report.py:2)'
    assert run_project(project, only="s.report").message("s.report") == message


def test_connection(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset can read from and write to any connection of the project."""
    lines = (
        "goose = context.connection('goose')",
        "made = goose.write('orders', pa.table({'id': [1, 2]}))",
        "added = goose.execute('INSERT INTO orders VALUES (3), (4), (5)')",
        "return [made, added, goose.query('FROM orders').num_rows, context.connection('goose') is goose]",
    )
    text = execute(*lines, imports="import pyarrow as pa")
    run = run_project(make_project({"config.yaml": TWO_CONNECTIONS, raw("s.report"): text}))
    assert run.captured("s.report") == [2, 3, 5, True]
    assert run.rows("SELECT sum(id) FROM orders", "goose") == [(15,)]


def test_write_into_a_stage(make_project: MakeProject, run_project: RunProject) -> None:
    """A project of raw assets only can write into its stages; the schema is created, unless a transaction is open."""
    lines = ("goose = context.connection('duck')", "table = pa.table({'id': [1, 2]})")
    write = execute(*lines, "return goose.write('s.orders', table)", imports="import pyarrow as pa")
    run = run_project(make_project({raw("s.report"): write}))
    assert (run.captured("s.report"), run.rows("SELECT sum(id) FROM s.orders")) == (2, [(3,)])
    lines = (*lines, "goose.execute('BEGIN')", "goose.write('t.orders', table)")
    project = make_project({raw("s.report"): write, raw("t.late"): execute(*lines, imports="import pyarrow as pa")})
    assert "Schema with name t does not exist" in run_project(project, only="t.late").message("t.late")


def logged(run: Run) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Entries of the asset itself: level, message and fields of its own."""
    own = [entry for entry in run.log if entry.asset and not entry.message.startswith(("Executing", "Asset"))]
    return [(entry.level, entry.message, entry.fields) for entry in own]


def test_log(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset's log call creates a log entry with its fields, and at info or above also a run event."""
    lines = (
        "context.log.debug('looking')",
        "context.log.info('loaded', rows=3, level='high')",
        "context.log.error('odd')",
    )
    run = run_project(make_project({raw("s.report"): execute(*lines)}))
    assert logged(run) == [
        ("debug", "looking", {}),
        ("info", "loaded", {"rows": 3, "level_": "high"}),
        ("error", "odd", {}),
    ]
    events = [event for event in run.run_events if event.event_type == "LOG_MESSAGE"]
    assert [(e.level.value, e.step_key, e.message) for e in events] == [
        ("INFO", "s.report", "loaded"),
        ("ERROR", "s.report", "odd"),
    ]


@pytest.mark.parametrize(
    "call", ["info(3)", "info('x', message='y')", "info('x', itself=[].append)", "info('x', rate=float('nan'))"]
)
def test_log_of_anything(make_project: MakeProject, run_project: RunProject, call: str) -> None:
    """Logging accepts any value, and never fails the asset."""
    run = run_project(make_project({raw("s.report"): execute(f"context.log.{call}")}))
    assert run.outcomes == {"s.report": ("SUCCESS", "")}


def test_log_with_a_secret_that_looks_like_a_value(
    make_project: MakeProject, run_project: RunProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is also a number or a JSON word does not break an entry."""
    monkeypatch.setenv("DAGSCOPE_TEST_SECRET", "true")
    params = "extraParams: [{name: preserve_insertion_order, value_env: DAGSCOPE_TEST_SECRET}]"
    config = f"connections: [{{name: duck, type: duckdb, config: {{{params}}}}}]"
    text = execute("context.log.info('loaded', complete={'really': True, 'said': 'true'})")
    run = run_project(make_project({"config.yaml": config, raw("s.report"): text}))
    assert run.status is TaskStatus.SUCCESS
    assert logged(run) == [("info", "loaded", {"complete": {"really": True, "said": "***"}})]
