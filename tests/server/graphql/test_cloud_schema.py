"""`/graphql`: the schema, query and answers of the run API specification."""

import contextlib
import io
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from dagscope.server.graphql.graphql_queries import CLOUD_SCHEMA
from dagscope.server.workspace.console import ConsoleLog
from tests.doors import AppDoor
from tests.projects import block, model, write_project
from tests.run_events import SPEC_QUERY, ask, record, record_messages, run_event, workspace_behind
from tests.server.api.test_contract import like

SPEC_PAGE = {
    "__typename": "EventConnection",
    "events": [
        {
            "__typename": "MessageEvent",
            "runId": "abc123-def456",
            "message": "Step completed successfully",
            "timestamp": "2025-08-12T18:04:12",
            "level": "INFO",
            "stepKey": "transform_data",
            "eventType": "STEP_SUCCESS",
        }
    ],
    "cursor": "eyJvZmZzZXQiOjEwfQ==",
    "hasMore": False,
}
SPEC_ERROR = {"__typename": "PythonError", "message": "Internal server error occurred", "stack": "Traceback ..."}


@pytest.fixture
def app(hello: Path) -> Iterator[AppDoor]:
    opened = AppDoor(hello)
    yield opened
    opened.stop()


def test_schema() -> None:
    """The schema is the spec's: root type, operation, arguments, union, and the fields of its members."""
    assert CLOUD_SCHEMA.as_str() == (
        "schema {\n  query: CloudQuery\n}\n\n"
        "type CloudQuery {\n"
        "  logsForRun(runId: ID!, limit: Int, afterCursor: String): EventConnectionOrError!\n}\n\n"
        "type EventConnection {\n  events: [MessageEvent!]!\n  cursor: String!\n  hasMore: Boolean!\n}\n\n"
        "union EventConnectionOrError = EventConnection | PythonError | RunNotFoundError\n\n"
        "enum LogLevel {\n  CRITICAL\n  ERROR\n  WARNING\n  INFO\n  DEBUG\n}\n\n"
        "type MessageEvent {\n  runId: String!\n  message: String!\n  timestamp: String!\n  level: LogLevel!\n"
        "  stepKey: String\n  eventType: String!\n}\n\n"
        "type PythonError {\n  message: String!\n  stack: String!\n}\n\n"
        "type RunNotFoundError {\n  message: String!\n}"
    )


def test_success(door: AppDoor) -> None:
    """The spec's query gets an answer of the spec's shape, through every door."""
    door.run("nightly")
    answer = ask(door, "nightly")
    run_level = [event for event in answer["events"] if event["stepKey"] is None]
    assert [event["eventType"] for event in run_level] == ["RUN_START", "RUN_SUCCESS"]
    answer["events"] = [event for event in answer["events"] if event["stepKey"] is not None]
    assert like(SPEC_PAGE, answer)


def test_events_of_a_run(app: AppDoor) -> None:
    """A run's events say what happened in words, with types, levels and steps."""
    app.run("nightly")
    events = [(e["eventType"], e["level"], e["stepKey"], e["message"]) for e in ask(app, "nightly")["events"]]
    assert [(*rest, message.split(" in 0.")[0]) for *rest, message in events] == [
        ("RUN_START", "INFO", None, "Started execution of 2 assets."),
        ("STEP_START", "DEBUG", "staging.hello", 'Started execution of step "staging.hello".'),
        ("MATERIALIZATION", "INFO", "staging.hello", "Asset materialized: staging.hello (1 row)"),
        ("ASSET_CHECK_EVALUATION", "INFO", "staging.hello", "Test staging.test_hello_exists passed"),
        ("STEP_SUCCESS", "INFO", "staging.hello", 'Finished execution of step "staging.hello"'),
        ("STEP_START", "DEBUG", "dds.world", 'Started execution of step "dds.world".'),
        ("MATERIALIZATION", "INFO", "dds.world", "Asset materialized: dds.world (1 row)"),
        ("ASSET_CHECK_EVALUATION", "INFO", "dds.world", "Test dds.test_world_count passed"),
        ("ASSET_CHECK_EVALUATION", "INFO", "dds.world", "Test dds.test_world_greeting_unique passed"),
        ("STEP_SUCCESS", "INFO", "dds.world", 'Finished execution of step "dds.world"'),
        ("RUN_SUCCESS", "INFO", None, "Finished execution"),
    ]


def test_events_of_a_failed_run(tmp_path: Path) -> None:
    """A failing test, the step it fails, and the step that is skipped for it, each have their event and level."""
    files = {
        "profile.yaml": "version: 1.0.0\nname: small\nconnection: duck\n"
        "models:\n  stages:\n    - name: staging\n    - name: mart\n",
        model("staging.orders"): block("tests:\n  - name: three_rows") + "SELECT * FROM range(3) AS t(id)",
        model("mart.sales"): 'SELECT * FROM {{ Ref("staging.orders") }}',
        "assets/tests/staging/three_rows.sql": 'SELECT * FROM {{ Ref("staging.orders") }}',
    }
    app = AppDoor(write_project(tmp_path, files))
    app.run("nightly")
    events = [(e["eventType"], e["level"], e["message"]) for e in ask(app, "nightly")["events"]]
    app.stop()
    assert events[3:6] == [
        ("ASSET_CHECK_EVALUATION", "ERROR", "Test staging.three_rows failed: 3 rows"),
        (
            "STEP_FAILURE",
            "ERROR",
            'Execution of step "staging.orders" failed: tests failed: staging.three_rows (3 rows)',
        ),
        ("STEP_SKIPPED", "WARNING", 'Step "mart.sales" was skipped: upstream staging.orders failed.'),
    ]
    assert events[6][:2] == ("RUN_FAILURE", "ERROR")


def test_run_not_found(app: AppDoor) -> None:
    """A run that does not exist gives RunNotFoundError, in the spec's words."""
    expected = {"__typename": "RunNotFoundError", "message": "Run abc123-def456 not found"}
    assert ask(app, "abc123-def456") == expected


def test_run_by_uuid(app: AppDoor) -> None:
    """A run is found by its task uuid too, and its events carry the task id."""
    app.run("nightly")
    with_uuid = ask(app, "nightly")["cursor"]
    record_messages(app, "other", 1)
    answer = ask(app, "uuid-other")
    assert [event["runId"] for event in answer["events"]] == ["other"]
    assert with_uuid != answer["cursor"]


def test_organization_in_the_path(app: AppDoor) -> None:
    """The answer is the same under any organization's name; `dagster` cannot be one."""
    record_messages(app, "nightly", 1)
    assert ask(app, "nightly", "/acme/graphql") == ask(app, "nightly")
    assert ask(app, "nightly", "/dagster/graphql")["events"][0]["__typename"] == "LogMessageEvent"


def test_default_limit(app: AppDoor) -> None:
    """Without a limit, or with null, a page has 100 events."""
    record_messages(app, "nightly", 150)
    assert len(ask(app, "nightly")["events"]) == 100
    assert len(ask(app, "nightly", limit=None)["events"]) == 100


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_bad_limit(app: AppDoor, limit: int) -> None:
    """A limit out of range gives a PythonError that states the range."""
    record_messages(app, "nightly", 1)
    expected = {"__typename": "PythonError", "message": f"limit must be from 1 to 1000, found {limit}", "stack": ""}
    assert ask(app, "nightly", limit=limit) == expected


def test_bad_cursor(app: AppDoor) -> None:
    """An invalid cursor, or one of another run, gives a PythonError."""
    record_messages(app, "nightly", 3)
    record_messages(app, "other", 3)
    message = "afterCursor must be the cursor of an earlier answer for this run"
    for cursor in ("x", "eyJvZmZzZXQiOjEwfQ==", "é", "bnVsbA==", "a" * 5_000, ask(app, "other")["cursor"]):
        expected = {"__typename": "PythonError", "message": message, "stack": ""}
        assert ask(app, "nightly", afterCursor=cursor) == expected


def test_cursor_at_the_end(app: AppDoor) -> None:
    """The last page has a cursor too: later events are found after it."""
    record_messages(app, "nightly", 3)
    last = ask(app, "nightly")
    assert not last["hasMore"]
    assert ask(app, "nightly", afterCursor=last["cursor"])["events"] == []
    workspace_behind(app).recorder.emit(run_event("nightly", "late"))
    app.client.portal.call(workspace_behind(app).recorder.flush)  # type: ignore[union-attr]
    assert [e["message"] for e in ask(app, "nightly", afterCursor=last["cursor"])["events"]] == ["late"]


@pytest.mark.slow
def test_paging_while_events_are_added(app: AppDoor) -> None:
    """Paging through 100,000 events while 10,000 more are added skips and repeats nothing."""
    record_messages(app, "nightly", 100_000)
    emit = workspace_behind(app).recorder.emit

    def add() -> None:
        for number in range(100_000, 110_000):
            emit(run_event("nightly", str(number)))

    adding = threading.Thread(target=add)
    adding.start()
    seen: list[str] = []
    cursor, has_more = None, True
    while has_more or adding.is_alive():
        page = ask(app, "nightly", limit=1_000, afterCursor=cursor)
        seen += [event["message"] for event in page["events"]]
        cursor, has_more = page["cursor"], page["hasMore"]
    adding.join()
    app.client.portal.call(workspace_behind(app).recorder.flush)  # type: ignore[union-attr]
    rest = True
    while rest:
        page = ask(app, "nightly", limit=1_000, afterCursor=cursor)
        seen += [event["message"] for event in page["events"]]
        cursor, rest = page["cursor"], page["hasMore"]
    assert seen == [str(number) for number in range(110_000)]


def test_all_attempts(app: AppDoor) -> None:
    """If a run runs again, its events follow those of the attempt before."""
    app.run("nightly")
    before = ask(app, "nightly")
    app.run("nightly")
    types = [event["eventType"] for event in ask(app, "nightly", afterCursor=before["cursor"])["events"]]
    assert (types[0], types[-1]) == ("RUN_START", "RUN_SUCCESS")


def test_unusual_selections(app: AppDoor) -> None:
    """Aliases, fragments and single fields are answered as GraphQL requires, with the shortcut or without."""
    record(app, "nightly", [run_event("nightly", "one", step_key=None)])
    query = """
      query { logsForRun(runId: "nightly") { ... on EventConnection {
        texts: events { text: message kind: __typename ...f }
        events { level }
      } } }
      fragment f on MessageEvent { stepKey @include(if: true) level @skip(if: true) }
    """
    answer = app.post("/graphql", {"query": query}).json()
    assert answer == {
        "data": {
            "logsForRun": {
                "texts": [{"text": "one", "kind": "MessageEvent", "stepKey": None}],
                "events": [{"level": "INFO"}],
            }
        }
    }


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the console shows."""
    shown = io.StringIO()
    processors = (structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer())
    monkeypatch.setattr("dagscope.server.workspace.console._console", ConsoleLog(shown, processors))
    return shown


def test_fault_is_masked(app: AppDoor, console: io.StringIO) -> None:
    """A fault of the server gives a PythonError with an id: no SQL, no path, no stack; the console has everything."""
    record_messages(app, "nightly", 1)
    _break(app)
    answer = ask(app, "nightly")
    assert answer["message"].startswith("Internal server error (fault ")
    assert f"fault='{answer['message'][-9:-1]}'" in console.getvalue()
    assert "no such table: run_event" in console.getvalue()
    assert answer == {
        "__typename": "PythonError",
        "message": f"Internal server error (fault {answer['message'][-9:-1]})",
        "stack": "",
    }


def test_fault_while_debugging(hello: Path, console: io.StringIO) -> None:
    """With `serve --debug`, the stack is a text, as in the spec's example."""
    app = AppDoor(hello, debug=True)
    record_messages(app, "nightly", 1)
    _break(app)
    answer = ask(app, "nightly")
    app.stop()
    assert like(SPEC_ERROR, answer)
    assert answer["stack"].startswith("Traceback (most recent call last)")


def _break(app: AppDoor) -> None:
    """Take the table away from under the server."""
    with contextlib.closing(sqlite3.connect(app.folder / ".dagscope" / "state.sqlite")) as connection:
        connection.execute("DROP TABLE run_event")


def test_invalid_query(app: AppDoor) -> None:
    """A query that does not match the schema, or is not GraphQL, gives 400 with GraphQL's own errors and no data."""
    answer = app.post("/graphql", {"query": "{ nope }"})
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "data": None,
            "errors": [
                {
                    "message": "Cannot query field 'nope' on type 'CloudQuery'.",
                    "locations": [{"line": 1, "column": 3}],
                }
            ],
        },
    )
    answer = app.post("/graphql", {"query": "{"})
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        400,
        "Syntax Error: Expected Name, found <EOF>.",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[]", "the body must be a JSON object"),
        ('[{"query": "{__typename}"}]', "the body must be a JSON object"),
        ("{}", "missing required field 'query'"),
        ('{"query": 1}', "field 'query' must be a string"),
        ('{"query": "{__typename}", "variables": []}', "field 'variables' must be an object"),
    ],
)
def test_malformed_request(app: AppDoor, body: str, message: str) -> None:
    """A body that is not a single query, such as a batch, gives 400 in the words of the HTTP API."""
    answer = app.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": f"Invalid request format: {message}"})


def test_missing_variable(app: AppDoor) -> None:
    """A missing variable is an error of the request."""
    answer = app.post("/graphql", {"query": SPEC_QUERY})
    message = "Variable '$runId' has invalid value: Expected a value of non-null type 'ID!' to be provided."
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, message)


def test_operations(app: AppDoor) -> None:
    """Of several operations the named one is executed, and only if it is a query."""
    body = {"query": "query a { __typename } query b { kind: __typename }", "operationName": "b"}
    assert app.post("/graphql", body).json() == {"data": {"kind": "CloudQuery"}}
    for query in ("mutation { __typename }", "subscription { __typename }"):
        assert app.post("/graphql", {"query": query}).status_code == 400


@pytest.mark.parametrize("path", ["/graphql", "/acme/graphql", "/dagster/graphql", "/dagster/acme/graphql"])
def test_post_alone(app: AppDoor, path: str) -> None:
    """There is no GET, and so neither GraphiQL nor a query in the URL; forms are refused."""
    answer = app.get(f"{path}?query={{__typename}}", headers={"Accept": "text/html"})
    assert answer.status_code == 405
    answer = app.post(path, data={"query": "{__typename}"})
    assert answer.status_code == 415


def test_introspection(app: AppDoor) -> None:
    """Tools can ask for the schema."""
    from graphql import build_client_schema, get_introspection_query, print_schema

    for path, root in (("/graphql", "CloudQuery"), ("/dagster/graphql", "Query")):
        answer = app.post(path, {"query": get_introspection_query()})
        assert f"type {root} {{" in print_schema(build_client_schema(answer.json()["data"]))


def test_text_is_sent_as_it_is(app: AppDoor) -> None:
    """Any message arrives unchanged: the client, not the server, decides what is safe for a terminal."""
    messages = ["\x1b[31mred", "\u202egnp", "é 世 \x9b", 'quote " \\', "line\nbreak\r"]
    record(app, "nightly", [run_event("nightly", message) for message in messages])
    assert [event["message"] for event in ask(app, "nightly")["events"]] == messages
    json.dumps(ask(app, "nightly"))
