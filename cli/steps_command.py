"""`dagscope steps`: the steps of a query, from the server of the project or, if it is not being served, from here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from dagscope.cli.exits import counted, fail
from dagscope.cli.project_answers import Question, path_with, read_answer
from dagscope.cli.row_text import cut, print_rows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.ground.terminal_text import shown, shown_lines
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.project.project import Project
from dagscope.server.api.query_steps import AskedSteps, steps_answer
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.steps import Steps, StepsRequest

_WIDEST_TITLE = 100  # characters


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
    asked = AskedSteps(options.step is None, options.step, Page(limit=options.limit))

    def here(project: Project) -> Steps:
        return Steps.model_validate_json(steps_answer(project, node, asked, Cancellation()))

    text = read_answer(project, address, _question(node, options), here).to_json()
    if options.as_json:
        click.echo(text)
    else:
        _show(json.loads(text))


def _question(node: Asset | DataTest, options: StepsOptions) -> Question[Steps]:
    folder = ("api", "dag", "asset") if isinstance(node, Asset) else ("api", "tests")
    body = StepsRequest(count=True) if options.step is None else StepsRequest(step=options.step, limit=options.limit)
    return Question(path_with(*folder, node.name, "steps"), Steps, body=body)


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
        click.echo(head + cut(shown(step["title"]), _WIDEST_TITLE))
        for text, colour in _remarks(step):
            click.echo(click.style(_indented(shown_lines(text), " " * len(head)), fg=colour))
    if "rows" in answer:
        click.echo()
        print_rows([column["name"] for column in answer["columns"]], answer["rows"])
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
