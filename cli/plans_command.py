"""`dagscope timings --plan`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dagscope.cli.console_text import plain, print_line, seconds
from dagscope.cli.exits import fail
from dagscope.cli.project_answers import Question, answer_of, path_with
from dagscope.cli.row_text import cut
from dagscope.cli.run_command import console_for
from dagscope.dag.ground.terminal_text import shown
from dagscope.server.api.plan_endpoints import plans_of
from dagscope.server.http.lookups import AskedTask
from dagscope.server.http.shapes.plans import AssetPlans, PlanChange, PlannedStatement, PlanOperator
from dagscope.server.workspace.workspace import Workspace

_WIDEST_STATEMENT, _WIDEST_DETAIL = 60, 40  # characters
_COLOURS = {PlanChange.SLOWER: "red", PlanChange.FASTER: "green", PlanChange.SAME: "bright_black"}
_COLOUR = "yellow"  # of the other changes


def print_plans(folder: Path, asset: str, task_id: str | None, against: str | None, as_json: bool) -> None:
    """Print the plans of an asset's statements beside those of its last fast run. Exits if there are none."""
    nothing = f"{asset} was never executed" if task_id is None else f"{asset} was not executed in {task_id}"
    query = {"taskId": task_id, "against": against}
    question = Question(path_with("api", "dag", "asset", asset, "plans"), AssetPlans, query, nothing=nothing)

    async def here(workspace: Workspace) -> AssetPlans:
        return await plans_of(workspace, asset, AskedTask(task_id, None), against) or fail(nothing)

    plans = answer_of(folder, question, here)
    if as_json:
        click.echo(plans.to_json())
        return
    console = console_for(sys.stdout)
    for line in _summary(plans):
        print_line(console, line)
    if plans.statements:
        console.print(_statements(plans.statements))
        _print_plan(console, max(plans.statements, key=_lost))


def _summary(plans: AssetPlans) -> Iterator[str]:
    line = f"{plans.asset_name}: {seconds(plans.now.duration_ms)} in {plans.now.task_id}"
    if plans.before is not None:
        line += f", {seconds(plans.before.duration_ms)} in {plans.before.task_id}: {plans.change}"
    yield line
    if plans.message is not None:
        yield plans.message


def _lost(statement: PlannedStatement) -> tuple[bool, int, int]:
    """Of those with a plan, the one that lost the most time comes last, or else the one that took the longest."""
    now, before = statement.duration_ms or 0, statement.duration_ms_before or 0
    return statement.plan is not None, now - before if statement.change is PlanChange.SLOWER else 0, now


def _statements(statements: tuple[PlannedStatement, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("no.", justify="right", no_wrap=True)
    table.add_column("statement", no_wrap=True)
    for heading in ("ms", "before"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("change", no_wrap=True)
    for each in statements:
        text = plain(cut(" ".join(each.text.split()), _WIDEST_STATEMENT))
        times = (_count(each.duration_ms), _count(each.duration_ms_before))
        table.add_row(_count(each.number), text, *times, _change(each.change))
    return table


def _print_plan(console: Console, statement: PlannedStatement) -> None:
    if statement.plan is None:
        return
    number = statement.number
    console.print(f"\nplan of statement {number}, from the result to what it reads:", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("operator")  # the only one that may be cut on a narrow terminal
    for heading in ("rows", "before", "ms", "before", "share"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("change", no_wrap=True)
    for depth, each in _operators(statement.plan, 0):
        name = f"{'  ' * depth}{shown(each.name)}"
        detail = f"  {cut(shown(each.detail), _WIDEST_DETAIL)}" if each.detail else ""
        table.add_row(
            Text.assemble(name, (detail, "bright_black"), no_wrap=True, overflow="ellipsis"),
            _count(each.rows),
            _count(each.rows_before),
            _ms(each.duration_ms),
            _ms(each.duration_ms_before),
            "" if each.share is None else f"{each.share:.0%}",
            _change(each.change),
        )
    console.print(table)
    if statement.lost_most is not None:
        print_line(console, statement.lost_most)


def _operators(operator: PlanOperator, depth: int) -> Iterator[tuple[int, PlanOperator]]:
    yield depth, operator
    for child in operator.children:
        yield from _operators(child, depth + 1)


def _change(change: PlanChange) -> Text:
    return Text(change, style=_COLOURS.get(change, _COLOUR))


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _ms(duration_ms: float | None) -> str:
    return "" if duration_ms is None else f"{duration_ms:,.1f}"
