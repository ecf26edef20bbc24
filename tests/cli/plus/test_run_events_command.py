"""`dg plus api run events`: arguments, table, JSON, errors, filters and paging, as the spec has them."""

import json
import random
import unicodedata
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from dagscope.cli import http_client
from tests.cli.plus.canned_server import canned_server, connection, event, logs, text
from tests.cli.plus.plus_command import Dg
from tests.doors import Serve, ServerDoor
from tests.run_events import SPEC_QUERY

RUN = "abc123-def456"
HEAD = (
    "TIMESTAMP            TYPE                 STEP_KEY                      MESSAGE\n"
    "-------------------- -------------------- ----------------------------- "
    "--------------------------------------------------\n"
)
"""Header and rule, copied from the spec."""


@pytest.fixture
def served(hello: Path, serve: Serve) -> ServerDoor:
    """A server with one run."""
    server = serve(hello)
    server.run("nightly")
    return server


def test_table(dg: Dg) -> None:
    """The table is exactly the spec's example, with columns of 20, 20 and 29 characters."""
    second = event(
        "Asset materialized: my_asset",
        timestamp="2025-08-12T18:04:15",
        eventType="MATERIALIZATION",
        stepKey="create_asset",
    )
    with canned_server(logs(connection([event(), second]))) as server:
        dg.configure(url=server.url)
        result = dg.events(RUN)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"Events for run {RUN}:\n\n{HEAD}"
        "2025-08-12T18:04:12  STEP_SUCCESS         transform_data                Step completed successfully\n"
        "2025-08-12T18:04:15  MATERIALIZATION      create_asset                  Asset materialized: my_asset\n"
        "\nTotal events: 2\n"
    )


def test_table_of_long_and_missing_values(dg: Dg) -> None:
    """A long value is not cut and moves the rest to the right, and an event of the whole run has an empty step."""
    long = event(eventType="ASSET_CHECK_EVALUATION", stepKey="a" * 40)
    whole = event(stepKey=None, timestamp="2025-08-12T18:04:12.345Z")
    with canned_server(logs(connection([long, whole]))) as server:
        dg.configure(url=server.url)
        rows = dg.events(RUN).stdout.splitlines()[4:6]
    assert rows == [
        f"2025-08-12T18:04:12  ASSET_CHECK_EVALUATION {'a' * 40} Step completed successfully",
        f"2025-08-12T18:04:12  STEP_SUCCESS         {' ' * 29} Step completed successfully",
    ]


def test_unknown_type(dg: Dg) -> None:
    """An unknown type is reported on standard error with a list of the known ones; a known one is not."""
    with canned_server(logs(connection([event()]))) as server:
        dg.configure(url=server.url)
        result = dg.events(RUN, "--type", "step_succes, STEP_SUCCESS")
        known = dg.events(RUN, "--type", "step_success,PIPELINE_START")
    assert result.exit_code == 0
    assert result.stderr == (
        "No event of dagscope has the type STEP_SUCCES; its types are RUN_START, RUN_SUCCESS, RUN_FAILURE, "
        "RUN_CANCELED, STEP_START, STEP_SUCCESS, STEP_FAILURE, STEP_SKIPPED, MATERIALIZATION, "
        "ASSET_CHECK_EVALUATION, ENGINE_EVENT, LOG_MESSAGE\n"
    )
    assert result.stdout.endswith("\nTotal events: 1\n")
    assert (known.exit_code, known.stderr) == (0, "")


def test_empty_table(dg: Dg) -> None:
    """A run without events is a table without rows."""
    with canned_server(logs(connection([]))) as server:
        dg.configure(url=server.url)
        assert dg.events(RUN).stdout == f"Events for run {RUN}:\n\n{HEAD}\nTotal events: 0\n"


def test_json(dg: Dg) -> None:
    """The JSON is the spec's example, key for key and in its order, and nothing else on standard output."""
    with canned_server(logs(connection([event()], has_more=False))) as server:
        dg.configure(url=server.url)
        result = dg.events(RUN, "--json")
    assert result.stdout == (
        "{\n"
        '  "run_id": "abc123-def456",\n'
        '  "events": [\n'
        "    {\n"
        '      "runId": "abc123-def456",\n'
        '      "message": "Step completed successfully",\n'
        '      "timestamp": "2025-08-12T18:04:12",\n'
        '      "level": "INFO",\n'
        '      "stepKey": "transform_data",\n'
        '      "eventType": "STEP_SUCCESS"\n'
        "    }\n"
        "  ],\n"
        '  "count": 1\n'
        "}\n"
    )


def test_empty_json(dg: Dg) -> None:
    """A run without events is a document without events."""
    with canned_server(logs(connection([]))) as server:
        dg.configure(url=server.url)
        assert json.loads(dg.events(RUN, "--json").stdout) == {"run_id": RUN, "events": [], "count": 0}


def test_request(dg: Dg) -> None:
    """The command sends the spec's query, variables and headers to {url}/{organization}/graphql."""
    with canned_server(logs(connection([]))) as server:
        dg.configure(url=server.url, organization="acme", default_deployment="prod", user_token="t0ken")
        dg.events(RUN, "--limit", "7")
    [body], [headers] = server.requests, server.headers
    assert body["query"].split() == SPEC_QUERY.split()
    assert body["variables"] == {"runId": RUN, "limit": 7}
    sent = {name.lower(): value for name, value in headers.items()}
    assert sent["dagster-cloud-api-token"] == "t0ken"
    assert sent["dagster-cloud-organization"] == "acme"
    assert sent["dagster-cloud-deployment"] == "prod"


def test_against_a_server(served: ServerDoor, dg: Dg) -> None:
    """A dagscope server's run is shown as a table and as JSON, by `dg` and by `dagscope plus`."""
    dg.configure(url=served.address)
    table = dg.events("nightly").stdout
    assert table.count("\n") == 4 + 11 + 2
    document = json.loads(dg.events("nightly", "--json").stdout)
    assert document["count"] == 11
    from click.testing import CliRunner

    from dagscope.cli.dagscope import main

    assert CliRunner().invoke(main, ["plus", "api", "run", "events", "nightly"]).stdout == table


def test_filters(served: ServerDoor, dg: Dg) -> None:
    """Types match whole and steps in part, both in any case, and together they both apply."""
    dg.configure(url=served.address)

    def found(*options: str) -> list[tuple[str, str | None]]:
        events = json.loads(dg.events("nightly", "--json", *options).stdout)["events"]
        return [(event["eventType"], event["stepKey"]) for event in events]

    assert found("--type", "step_success, RUN_start") == [
        ("RUN_START", None),
        ("STEP_SUCCESS", "staging.hello"),
        ("STEP_SUCCESS", "dds.world"),
    ]
    assert found("--type", "STEP") == []
    assert {step for _, step in found("--step", "WORLD")} == {"dds.world"}
    assert found("--type", "MATERIALIZATION", "--step", "hello") == [("MATERIALIZATION", "staging.hello")]
    assert found("--step", "hello", "--limit", "1") == [("STEP_START", "staging.hello")]


def paged(events: list[dict[str, Any]]) -> Any:
    """A server that pages through these events. Its cursors are the number of events that it has returned."""

    def answer(handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        start = int(body["variables"].get("afterCursor", "p0")[1:])
        end = start + min(body["variables"].get("limit", 100), 1_000)
        page = connection(events[start:end], f"p{min(end, len(events))}", end < len(events))
        logs(page)(handler, body)

    return answer


def test_filtered_paging(dg: Dg) -> None:
    """Five matching events among 50,000 are found, wherever they are."""
    events = [event(str(number)) for number in range(50_000)]
    for place in (0, 999, 1_000, 31_337, 49_999):
        events[place] |= {"eventType": "STEP_FAILURE"}
    with canned_server(paged(events)) as server:
        dg.configure(url=server.url)
        found = json.loads(dg.events(RUN, "--type", "STEP_FAILURE", "--json").stdout)["events"]
        assert [event["message"] for event in found] == ["0", "999", "1000", "31337", "49999"]
        some = json.loads(dg.events(RUN, "--type", "STEP_FAILURE", "--limit", "2", "--json").stdout)["events"]
        assert [event["message"] for event in some] == ["0", "999"]


def test_limit_beyond_a_page(dg: Dg) -> None:
    """A limit larger than a page is reached by paging."""
    with canned_server(paged([event(str(number)) for number in range(3_000)])) as server:
        dg.configure(url=server.url)
        found = json.loads(dg.events(RUN, "--limit", "2500", "--json").stdout)["events"]
    assert [event["message"] for event in found] == [str(number) for number in range(2_500)]
    assert [body["variables"]["limit"] for body in server.requests] == [1_000, 1_000, 500]


def test_after(dg: Dg) -> None:
    """Continuing with --after, even from the middle of a filtered page, prints every event once."""
    events = [event(str(number), eventType="A" if number % 3 else "B") for number in range(100)]
    with canned_server(paged(events)) as server:
        dg.configure(url=server.url)
        seen, cursor = [], ""
        for _ in range(9):
            document = json.loads(dg.events(RUN, "--type", "B", "--limit", "4", "--after", cursor, "--json").stdout)
            seen += [event["message"] for event in document["events"]]
            cursor = document["cursor"]
        assert seen == [str(number) for number in range(0, 100, 3)]
        result = dg.events(RUN, "--limit", "4")
    assert result.stderr == "There are more events: continue with --after p4\n"


def test_real_dagsters_differences(dg: Dg) -> None:
    """Epoch milliseconds become ISO 8601, and a log line without a type is printed and found as LOG_MESSAGE."""
    line = event("hello", timestamp="1755021852123", eventType=None)
    with canned_server(logs(connection([line, event()]))) as server:
        dg.configure(url=server.url)
        [found] = json.loads(dg.events(RUN, "--type", "log_message", "--json").stdout)["events"]
    assert (found["timestamp"], found["eventType"]) == ("2025-08-12T18:04:12.123Z", "LOG_MESSAGE")


CHECK = "check that the server runs and that its url is right"
NOT_FOLLOWED = ", which is not followed because the token would be sent there; correct the url with `dg plus login`"
NOT_GRAPHQL = "The answer from {url}/graphql is not GraphQL ({what}); check the url and the organization"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (logs({"__typename": "RunNotFoundError", "message": f"Run {RUN} not found"}), f"Run {RUN} not found"),
        (
            logs({"__typename": "PythonError", "message": "Internal server error occurred", "stack": "Traceback"}),
            f"Failed to get events for run {RUN}: Internal server error occurred",
        ),
        (logs(None), "No response from the GraphQL API at {url}/graphql"),
        (text('{"data": null}'), "No response from the GraphQL API at {url}/graphql"),
        (text(""), "No response from the GraphQL API at {url}/graphql"),
        (
            text('{"error": "Unauthorized"}', 401),
            "Authentication failed: the API token is missing. Run `dg plus login` to authenticate.",
        ),
        (text('{"error": "Forbidden", "details": "not of yours"}', 403), "Access denied: not of yours"),
        (text("no", 403, "text/plain"), "Access denied: the server answers with HTTP 403"),
        (text("<html>", 200, "text/html; charset=utf-8"), NOT_GRAPHQL.replace("{what}", "HTTP 200, text/html")),
        (text('{"error": "Not Found"}', 404), NOT_GRAPHQL.replace("{what}", "HTTP 404, application/json")),
        (text("[]"), NOT_GRAPHQL.replace("{what}", "HTTP 200, application/json")),
        (
            text("", 302, "text/html", Location="http://127.0.0.1:1/"),
            "{url}/graphql redirects to http://127.0.0.1:1/" + NOT_FOLLOWED,
        ),
        (text("busy", 503, "text/plain"), "{url}/graphql is not available: HTTP 503; try again later"),
        (
            text('{"data": null, "errors": [{"message": "one"}, {"message": "two"}]}', 400),
            "GraphQL error: one; two",
        ),
        (logs({"__typename": "Surprise"}), "Unexpected answer to logsForRun: Surprise"),
        (
            logs(connection([event(level="LOUD")])),
            "The answer from {url}/graphql is not a page of run events",
        ),
        (
            logs(connection([event(message=None)])),  # type: ignore[arg-type]
            "The answer from {url}/graphql is not a page of run events",
        ),
        (logs(connection([], None, has_more=True)), "The server has more events but returned no cursor for them"),
    ],
)
def test_errors(dg: Dg, answer: Any, message: str) -> None:
    """Every error of the spec has its message on standard error, as a line and as JSON, and exit code 1."""
    with canned_server(answer) as server:
        dg.configure(url=server.url)
        expected = message.format(url=server.url)
        result = dg.events(RUN)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == f"Error querying Dagster Plus API: {expected}\n"
        result = dg.events(RUN, "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert json.loads(result.stderr) == {"error": expected, "run_id": RUN}


def test_refused_token(dg: Dg) -> None:
    """A refused token and a missing token have different messages."""
    with canned_server(text("{}", 401)) as server:
        dg.configure(url=server.url, user_token="old")
        result = dg.events(RUN)
    assert result.stderr == (
        "Error querying Dagster Plus API: Authentication failed: the API token was refused. "
        "Run `dg plus login` to authenticate.\n"
    )


def test_connection_refused(dg: Dg) -> None:
    """If no server answers, its address is named."""
    dg.configure(url="http://127.0.0.1:9")
    message = f"Cannot connect to http://127.0.0.1:9/graphql: Connection refused; {CHECK}"
    assert dg.events(RUN).stderr == f"Error querying Dagster Plus API: {message}\n"


def test_a_redirect_gets_no_token(dg: Dg) -> None:
    """A redirect is reported and not followed: its target receives no request, and so no token."""
    with (
        canned_server(logs(connection([event()]))) as other,
        canned_server(text("", 307, Location=other.url)) as server,
    ):
        dg.configure(url=server.url, user_token="secret")
        result = dg.events(RUN)
    assert result.stderr == (
        f"Error querying Dagster Plus API: {server.url}/graphql redirects to {other.url}{NOT_FOLLOWED}\n"
    )
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_no_proxy_on_this_machine(dg: Dg, name: str) -> None:
    """A server on this machine is asked directly, because a proxy from the environment would receive the token."""
    with canned_server(text("", 502)) as proxy, canned_server(logs(connection([event()]))) as server:
        dg.patch.setenv("http_proxy", proxy.url)
        dg.patch.setenv("no_proxy", "")
        dg.configure(url=server.url.replace("127.0.0.1", name), user_token="secret")
        assert dg.events(RUN).exit_code == 0
    assert (len(server.requests), proxy.requests) == (1, [])


def test_a_proxy_for_other_machines(dg: Dg) -> None:
    """A server on another machine is asked through the proxy that the environment names."""
    with canned_server(logs(connection([event()]))) as proxy:
        dg.patch.setenv("http_proxy", proxy.url)
        dg.configure(url="http://dagscope.invalid")
        assert dg.events(RUN).exit_code == 0
    assert len(proxy.requests) == 1


def test_time_out(dg: Dg, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command stops waiting for a server that never answers."""
    import socket

    monkeypatch.setattr(http_client, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        dg.configure(url=url)
        result = dg.events(RUN)
    message = f"No answer from {url}/graphql within 0.2 seconds; {CHECK}"
    assert result.stderr == f"Error querying Dagster Plus API: {message}\n"


def test_connection_that_breaks(dg: Dg) -> None:
    """A server that dies in the middle of its answer is reported as a lost connection."""

    def answer(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")

    with canned_server(answer) as server:
        dg.configure(url=server.url)
        result = dg.events(RUN)
    message = f"The connection to {server.url}/graphql was lost: IncompleteRead; {CHECK}"
    assert result.stderr == f"Error querying Dagster Plus API: {message}\n"


def test_not_logged_in(dg: Dg) -> None:
    """Without a configuration, the spec's usage error says what to do, with exit code 2."""
    result = dg.events(RUN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "Usage: dg plus api run events [OPTIONS] RUN_ID\nTry 'dg plus api run events --help' for help.\n\n"
        "Error: `dg plus` commands require authentication with Dagster Plus. Run `dg plus login` to authenticate.\n"
    )


@pytest.mark.parametrize("arguments", [(), (RUN, "--limit", "0"), (RUN, "--limit", "x"), (RUN, "--nope"), (RUN, "two")])
def test_usage_errors(dg: Dg, arguments: tuple[str, ...]) -> None:
    """Invalid usage exits with 2."""
    assert dg.events(*arguments).exit_code == 2


def test_token_that_http_cannot_carry(dg: Dg) -> None:
    """A token with a line break is refused without being shown."""
    dg.patch.setenv("DAGSTER_CLOUD_API_TOKEN", "se\ncret")
    dg.configure(url="http://127.0.0.1:9")
    assert dg.events(RUN).stderr == (
        "Error querying Dagster Plus API: "
        "The configured organization, deployment or token contains characters that HTTP does not allow\n"
    )


def test_no_escape_reaches_the_terminal(dg: Dg) -> None:
    """For 500 events with random and malicious texts, no control byte is printed, and the JSON is valid and exact."""
    chance = random.Random(4)
    evil = [
        "\x1b[2J\x1b[H",
        "\x1b]52;c;cm0=\x07",
        "\x9b31m",
        "\u202egnp.exe",
        "\rTotal events: 0",
        "\n2025-01-01",
        "\x85",
    ]
    events = []
    for number in range(500):
        noise = "".join(chr(chance.choice((chance.randrange(0x100), chance.randrange(0xD800)))) for _ in range(20))
        bad = evil[number % len(evil)] + noise
        events.append(event(bad, stepKey=bad, eventType=bad, timestamp="2025-08-12" + bad))
    with canned_server(paged(events)) as server:
        dg.configure(url=server.url)
        table = dg.events(RUN + "\x1b[31m", "--limit", "500").stdout
        document = json.loads(dg.events(RUN, "--limit", "500", "--json").stdout)
    for line in table.split("\n"):
        left = {unicodedata.category(character) for character in line} - {"Cf"}
        assert not left & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(line) & set("\u202e\u2066\u200f")
    assert table.count("\n") == 4 + 500 + 2
    assert [event["message"] for event in document["events"]] == [event["message"] for event in events]


def test_evil_error_message(dg: Dg) -> None:
    """An error's text is as harmless as an event's."""
    evil = {"__typename": "RunNotFoundError", "message": "\x1b]0;owned\x07"}
    with canned_server(logs(evil)) as server:
        dg.configure(url=server.url)
        assert dg.events(RUN).stderr == "Error querying Dagster Plus API: \\x1b]0;owned\\x07\n"
        assert json.loads(dg.events(RUN, "--json").stderr)["error"] == "\x1b]0;owned\x07"
