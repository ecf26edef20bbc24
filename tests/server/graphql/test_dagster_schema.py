"""`/dagster/graphql`: the part of Dagster's schema that its client uses, queried directly."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema

from dagscope.dag.events.events import TaskChanged
from dagscope.dag.events.run_events import RunEventType
from dagscope.dag.events.status import TaskStatus
from dagscope.server.graphql.graphql_queries import DAGSTER_SCHEMA
from tests.doors import AppDoor
from tests.projects import model, raw, write_project
from tests.run_events import accepted, ask, flush, record, run_event, workspace_behind

FAILURE = """
query($runId: ID!) { logsForRun(runId: $runId) { ... on EventConnection { events {
  ... on ExecutionStepFailureEvent { stepKey error {
    message className stack cause { message className stack cause { message className stack } }
  } }
} } } }
"""
RUNS = """
query($filter: RunsFilter, $cursor: String, $limit: Int) {
 runsOrError(filter: $filter, cursor: $cursor, limit: $limit) {
  __typename
  ... on Runs { results { runId status } count }
  ... on InvalidPipelineRunsFilterError { message }
} }
"""


@pytest.fixture
def app(hello: Path) -> Iterator[AppDoor]:
    opened = AppDoor(hello)
    yield opened
    opened.stop()


def runs(app: AppDoor, **variables: Any) -> Any:
    answer = app.post("/dagster/graphql", {"query": RUNS, "variables": variables})
    return answer.json()["data"]["runsOrError"]


def test_schema_is_part_of_dagsters() -> None:
    """Every type of the schema is Dagster's, its event types implement `MessageEvent`, and its root is `Query`."""
    schema = build_schema(DAGSTER_SCHEMA.as_str())
    assert schema.query_type is not None
    assert schema.query_type.name == "Query"
    interface = schema.type_map["MessageEvent"]
    implementations = {type_.name for type_ in schema.get_implementations(interface).objects}  # type: ignore[arg-type]
    union = {type_.name for type_ in schema.type_map["DagsterRunEvent"].types}  # type: ignore[attr-defined]
    assert implementations == union
    assert len(union) == len(RunEventType)


def test_events(app: AppDoor) -> None:
    """Every kind of event has its concrete type, Dagster's name, and a time in epoch milliseconds."""
    record(app, "nightly", [run_event("nightly", type_, event_type=type_) for type_ in RunEventType])
    answer = ask(app, "nightly", "/dagster/graphql")
    events = {event["message"]: (event["__typename"], event["eventType"]) for event in answer["events"]}
    assert events == {
        "RUN_START": ("RunStartEvent", "RUN_START"),
        "RUN_SUCCESS": ("RunSuccessEvent", "RUN_SUCCESS"),
        "RUN_FAILURE": ("RunFailureEvent", "RUN_FAILURE"),
        "RUN_CANCELED": ("RunCanceledEvent", "RUN_CANCELED"),
        "STEP_START": ("ExecutionStepStartEvent", "STEP_START"),
        "STEP_SUCCESS": ("ExecutionStepSuccessEvent", "STEP_SUCCESS"),
        "STEP_FAILURE": ("ExecutionStepFailureEvent", "STEP_FAILURE"),
        "STEP_SKIPPED": ("ExecutionStepSkippedEvent", "STEP_SKIPPED"),
        "MATERIALIZATION": ("MaterializationEvent", "ASSET_MATERIALIZATION"),
        "ASSET_CHECK_EVALUATION": ("AssetCheckEvaluationEvent", "ASSET_CHECK_EVALUATION"),
        "ENGINE_EVENT": ("EngineEvent", "ENGINE_EVENT"),
        "LOG_MESSAGE": ("LogMessageEvent", None),
    }
    assert {event["timestamp"] for event in answer["events"]} == {"1755021852000"}


def test_failures_carry_their_cause(tmp_path: Path) -> None:
    """A failed step has its error and the cause: the database's error for SQL, the project's lines for Python."""
    files = {
        "profile.yaml": "version: 1.0.0\nname: small\nconnection: duck\nmodels:\n  stages:\n    - name: staging\n",
        model("staging.orders"): "SELECT * FROM no_such_table",
        raw("staging.report"): (
            "def execute(context):\n"
            "    try:\n"
            "        load()\n"
            "    except KeyError as error:\n"
            "        raise ValueError('no report') from error\n\n\n"
            "def load():\n"
            "    raise KeyError('sales')\n"
        ),
    }
    app = AppDoor(write_project(tmp_path, files))
    app.run("nightly")
    answer = app.post("/dagster/graphql", {"query": FAILURE, "variables": {"runId": "nightly"}}).json()
    app.stop()
    events = answer["data"]["logsForRun"]["events"]
    errors = {event["stepKey"]: event["error"] for event in events if "error" in event}
    sql = errors["staging.orders"]
    assert (sql["className"], sql["stack"], sql["cause"]["className"]) == ("StatementFailed", [], "CatalogException")
    assert sql["message"] == sql["cause"]["message"]
    assert sql["message"].startswith("Catalog Error: Table with name no_such_table does not exist!")
    raised = errors["staging.report"]
    assert raised["message"] == "ValueError: no report (report.py:5)"
    assert raised["className"] == "RawAssetFailed"
    assert (raised["cause"]["message"], raised["cause"]["className"]) == ("no report", "ValueError")
    assert raised["cause"]["stack"] == [
        "  File \"assets/models/staging/report.py\", line 5, in execute\n    raise ValueError('no report') from error\n"
    ]
    assert raised["cause"]["cause"]["className"] == "KeyError"
    assert len(raised["cause"]["cause"]["stack"]) == 2


def test_run_not_found(app: AppDoor) -> None:
    """A run that does not exist gives RunNotFoundError."""
    query = '{ runOrError(runId: "x") { __typename ... on RunNotFoundError { runId message } } }'
    expected = {"__typename": "RunNotFoundError", "runId": "x", "message": "Run x not found"}
    assert app.post("/dagster/graphql", {"query": query}).json() == {"data": {"runOrError": expected}}


def test_run(app: AppDoor) -> None:
    """A run has its status, times in epoch seconds, its data as YAML, and its counts."""
    app.run("nightly", data={"since": "2013-01-01", "n": 3})
    query = """{ runOrError(runId: "nightly") { ... on Run {
      runId status jobName creationTime startTime endTime runConfigYaml tags { key value }
      stats { ... on RunStatsSnapshot { stepsSucceeded stepsFailed materializations expectations } }
    } } }"""
    run = app.post("/dagster/graphql", {"query": query}).json()["data"]["runOrError"]
    assert re.fullmatch(r"[0-9a-f-]{36}", run["tags"][1].pop("value"))
    assert 1.7e9 < run["creationTime"] <= run["startTime"] <= run["endTime"] < 1e10
    for key in ("creationTime", "startTime", "endTime"):
        del run[key]
    assert run == {
        "runId": "nightly",
        "status": "SUCCESS",
        "jobName": "hello-world-dag",
        "runConfigYaml": "since: '2013-01-01'\nn: 3\n",
        "tags": [{"key": "dagscope/attempt", "value": "1"}, {"key": "dagscope/task_uuid"}],
        "stats": {"stepsSucceeded": 2, "stepsFailed": 0, "materializations": 2, "expectations": 3},
    }


def test_list_pages_newest_first(app: AppDoor) -> None:
    """Runs are listed newest first, in pages that start after a run; `count` counts all."""
    for name in ("a", "b", "c"):
        app.run(name)
    assert runs(app, limit=2) == {
        "__typename": "Runs",
        "results": [{"runId": "c", "status": "SUCCESS"}, {"runId": "b", "status": "SUCCESS"}],
        "count": 3,
    }
    assert [run["runId"] for run in runs(app, cursor="b")["results"]] == ["a"]
    refused = {"__typename": "InvalidPipelineRunsFilterError", "message": "cursor must be the id of a run, found 'x'"}
    assert runs(app, cursor="x") == refused
    refused["message"] = "limit must be from 1 to 1000, found 0"
    assert runs(app, limit=0) == refused


def test_list_by_status_and_job(app: AppDoor) -> None:
    """Waiting, running, cancelled and failed runs have different statuses, and are found by status and by job."""
    emit = workspace_behind(app).recorder.emit
    ends = {"done": "RUN_SUCCESS", "failed": "RUN_FAILURE", "stopped": "RUN_CANCELED", "going": "STEP_START"}
    emit(accepted("waiting"))
    for task_id, last in ends.items():
        record(app, task_id, [run_event(task_id, "", event_type="RUN_START"), run_event(task_id, "", event_type=last)])
        if task_id != "going":
            status = TaskStatus.SUCCESS if task_id == "done" else TaskStatus.FAILED
            emit(TaskChanged(task_id, 1, accepted(task_id).summary.changed(status=status)))
    flush(app)
    found = {run["runId"]: run["status"] for run in runs(app)["results"]}
    assert found == {
        "waiting": "QUEUED",
        "going": "STARTED",
        "done": "SUCCESS",
        "failed": "FAILURE",
        "stopped": "CANCELED",
    }
    some = runs(app, filter={"statuses": ["FAILURE", "QUEUED"]})
    assert ({run["runId"] for run in some["results"]}, some["count"]) == ({"failed", "waiting"}, 2)
    assert runs(app, filter={"pipelineName": "hello-world-dag"})["count"] == 5
    assert runs(app, filter={"pipelineName": "other"}) == {"__typename": "Runs", "results": [], "count": 0}
