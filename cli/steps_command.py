"""`dagscope steps`: the steps of a query, from the server of the project or, if it is not being served, from here."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import click

from dagscope.cli.exits import EXIT_FAILED, EXIT_USAGE, counted, fail
from dagscope.cli.http_client import HttpClient, HttpFailed
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.ground.terminal_text import shown, shown_lines
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.project.project import Project
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.api.query_steps import AskedSteps, steps_answer
from dagscope.server.http.pages import Page

_WIDEST_CELL, _WIDEST_TITLE = 40, 100  # characters


@dataclass(frozen=True)
class StepsOptions:
    """What is asked: all steps, or one with its first rows."""

    name: str
    step: str | None
    limit: int
    as_json: bool


def show_steps(project: Project, address: str | None, options: StepsOptions) -> None:
    """Print the steps of an asset or a data test. Exits if there are none to show."""
    node = project.assets.get(options.name) or project.tests.get(options.name)
    if node is None:
        near = did_you_mean(options.name, (*project.assets, *project.tests))
        fail(f'there is no asset or data test "{options.name}"{near}')
    body = _of_server(address, node, options) if address else _read_here(project, node, options)
    if options.as_json:
        click.echo(body)
    else:
        _show(json.loads(body))


def _read_here(project: Project, node: Asset | DataTest, options: StepsOptions) -> bytes:
    os.chdir(project.folder)  # for files that SQL reads by a relative path
    asked = AskedSteps(options.step is None, options.step, Page(limit=options.limit))
    try:
        return steps_answer(project, node, asked, Cancellation())
    except QueryRefused as error:
        fail(str(error))
    except DagscopeError as error:
        fail(project.redaction.text(str(error)), EXIT_FAILED)
    finally:
        project.connections[node.connection].close()


def _of_server(address: str, node: Asset | DataTest, options: StepsOptions) -> bytes:
    token = os.environ.get("DAGSCOPE_API_TOKEN")
    client = HttpClient(address, {"Authorization": f"Bearer {token}"} if token else {}, through_proxies=False)
    kind = "/api/dag/asset" if isinstance(node, Asset) else "/api/tests"
    asked = {"count": True} if options.step is None else {"step": options.step, "limit": options.limit}
    try:
        while True:
            answer = client.ask("POST", f"{kind}/{quote(node.name, safe='')}/steps", json.dumps(asked).encode())
            if answer.status != 202:
                break
    except HttpFailed as error:
        fail(str(error), EXIT_FAILED)
    if answer.status != 200:
        fail(_refusal(address, answer.body), EXIT_FAILED if answer.status >= 500 else EXIT_USAGE)
    return answer.body


def _refusal(address: str, body: bytes) -> str:
    try:
        said = json.loads(body)
        return ": ".join(text for text in (said["error"], said.get("details")) if text)
    except (ValueError, KeyError, TypeError):
        return f"the server at {address} did not return what was expected: {body[:80]!r}"


def _show(answer: Mapping[str, Any]) -> None:
    steps = answer["steps"]
    widths = [max(map(len, column)) for column in zip(*map(_numbers, steps), strict=True)]
    last = ""
    click.echo(shown(f"{answer['name']} ({answer['path']}, connection {answer['connectionName']})"))
    for step in steps:
        indent = "  " * step["level"]
        if step["query"] != last:
            last = step["query"]
            click.echo(f"\n{indent}{shown(last)}")
        numbers = (text.rjust(width) for text, width in zip(_numbers(step), widths, strict=True))
        head = f"{indent}  {'  '.join(numbers)}  "
        click.echo(head + _cut(shown(step["title"]), _WIDEST_TITLE))
        for text, colour in _remarks(step):
            click.echo(click.style(_indented(shown_lines(text), " " * len(head)), fg=colour))
    if "rows" in answer:
        click.echo()
        _show_rows(answer["columns"], answer["rows"])
        click.echo(f"{counted(len(answer['rows']), 'row')} of {steps[0]['rowCount']:,}")


def _numbers(step: Mapping[str, Any]) -> tuple[str, str, str]:
    """The id, the place and the rows."""
    place = f"line {step['line']}" if "line" in step else f"line {step['sqlLine']} of the SQL"
    return step["id"], place, f"{step['rowCount']:,}" if "rowCount" in step else "-"


def _indented(text: str, margin: str) -> str:
    return "\n".join(margin + line for line in text.split("\n"))


def _remarks(step: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = ((step.get("sentence"), "yellow"), (step.get("whyNotRun"), "bright_black"), (step.get("error"), "red"))
    return [(text, colour) for text, colour in found if text]


def _show_rows(columns: Sequence[Mapping[str, str]], rows: Sequence[Sequence[Any]]) -> None:
    """The rows as a table of text, long values cut."""
    table = [[column["name"] for column in columns], *([_cell(value) for value in row] for row in rows)]
    cells = [[_cut(shown(text), _WIDEST_CELL) for text in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
