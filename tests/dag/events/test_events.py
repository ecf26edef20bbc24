"""Events as JSON, as the log and the stream have them."""

import pytest

from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import DataTestChanged, Event, Logged, NodeChanged, RunEventEmitted, TaskChanged
from dagscope.dag.events.run_events import LoggedRunEvent, RunEventLevel
from dagscope.dag.events.status import (
    DataTestResult,
    DataTestStatus,
    LogEntry,
    NodeState,
    NodeStatus,
    NodeTimings,
    TaskStatus,
    TaskSummary,
)

WAITING = NodeStatus(name="Executing s.a", asset_name="s.a", order=1)
FAILED_TEST = DataTestResult(
    test_name="s.unique", status=DataTestStatus.FAILED, error="2 rows", duration_ms=4, row_count=2
)
ENDED = WAITING.changed(
    name="Selecting s.a",
    state=NodeState.FAILED,
    start_time=10,
    end_time=2**63,
    execution_time_ms=2**70,
    message='quoted "ä"\n\t\x00\x1f\x7f\u2028\\/',
    total_tests=1,
    failed_tests=1,
    test_results=(FAILED_TEST,),
    timings=NodeTimings(waiting_ms=1, queued_ms=0),
    rows=0,
    is_selection=True,
)
RECORDED: list[tuple[Event, str]] = [
    (
        TaskChanged("t", 1, TaskSummary.of_nodes("t", TaskStatus.IN_PROGRESS, [WAITING], None)),
        (
            '{"taskId":"t","taskUuid":"","status":"IN_PROGRESS","totalAssets":1,"completedAssets":0,"failedAssets":0,'
            '"inProgressAssets":0}'
        ),
    ),
    (
        TaskChanged("t", 1, TaskSummary.of_nodes("t", TaskStatus.FAILED, [ENDED], 1, 2, "u-1")),
        (
            '{"taskId":"t","taskUuid":"u-1","status":"FAILED","startTime":1,"endTime":2,"totalAssets":1,'
            '"completedAssets":0,"failedAssets":1,"inProgressAssets":0}'
        ),
    ),
    (
        NodeChanged("t\n", 1, WAITING),
        (
            '{"taskId":"t\\n","name":"Executing s.a","assetName":"s.a","state":"INITIAL","order":1,"executionTimeMs":0,'
            '"message":"","totalTests":0,"passedTests":0,"failedTests":0,"testResults":[]}'
        ),
    ),
    (
        NodeChanged("t", 1, ENDED),
        (
            '{"taskId":"t","name":"Selecting s.a","assetName":"s.a","state":"FAILED","order":1,"startTime":10,'
            '"endTime":9223372036854775808,"executionTimeMs":1180591620717411303424,'
            '"message":"quoted \\"ä\\"\\n\\t\\u0000\\u001f\x7f\u2028\\\\/","totalTests":1,"passedTests":0,'
            '"failedTests":1,'
            '"testResults":[{"testName":"s.unique","status":"FAILED","error":"2 rows","durationMs":4,"rowCount":2}],'
            '"timings":{"waitingMs":1,"queuedMs":0,"executingMs":0,"testingMs":0},"rows":0}'
        ),
    ),
    (
        DataTestChanged("t", 1, DataTestResult(test_name="s.unique", status=DataTestStatus.IN_PROGRESS), "s.a"),
        '{"taskId":"t","testName":"s.unique","status":"IN_PROGRESS","durationMs":0}',
    ),
    (
        Logged("t", 1, LogEntry(level="info", time="12:00", message="m", task_id="t")),
        '{"level":"info","time":"12:00","message":"m","taskId":"t"}',
    ),
    (
        Logged(
            "t",
            1,
            LogEntry(
                level="info",
                time="12:00",
                message="m",
                task_id="t",
                asset="s.a",
                connection="duck",
                test="s.unique",
                fields={
                    "rows": None,
                    "testName": [1, 1.0, 1e16, 1e-7, float("nan"), float("-inf"), 2**70, True],
                    "nested": {"ä\n": {}, "b": []},
                },
            ),
        ),
        (
            '{"level":"info","time":"12:00","message":"m","taskId":"t","asset":"s.a","connection":"duck","test":"s.unique",'
            '"rows":null,"testName":[1,1.0,1e+16,1e-7,null,null,1180591620717411303424,true],'
            '"nested":{"ä\\n":{},"b":[]}}'
        ),
    ),
    (
        RunEventEmitted(
            "t/ä",
            1,
            LoggedRunEvent(
                run_id="abc123-def456",
                message='ä "quoted"\n',
                timestamp="2025-08-12T18:04:12",
                level=RunEventLevel.INFO,
                step_key=None,
                event_type="STEP_SUCCESS",
            ),
            ErrorInfo(message="no", cause=ErrorInfo(message="why", class_name="KeyError", stack=("  File",))),
        ),
        (
            '{"taskId":"t/ä","runId":"abc123-def456","message":"ä \\"quoted\\"\\n","timestamp":"2025-08-12T18:04:12",'
            '"level":"INFO","stepKey":null,"eventType":"STEP_SUCCESS","error":{"message":"no","stack":[],'
            '"cause":{"message":"why","className":"KeyError","stack":["  File"]}}}'
        ),
    ),
]
"""Events, and their texts as the first version of dagscope wrote them."""


@pytest.mark.parametrize(("event", "text"), RECORDED)
def test_text_of_an_event(event: Event, text: str) -> None:
    """An event's JSON is what it always was: the names, what is left out, the order, and every character."""
    assert event.payload() == text
