"""`dagscope ledger`."""

import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from dagscope.cli.console_text import plain, print_line, table_of
from dagscope.cli.exits import counted
from dagscope.cli.project_answers import Question, answer_of, path_with
from dagscope.cli.run_command import console_for
from dagscope.server.api.ledger_endpoints import ledger_of
from dagscope.server.http.shapes.ledger import DataTestLedger, LedgerTask

_SHOWN_ROWS = 20  # of each group
_WORDS = {
    "new": ("New", "red"),
    "fixed": ("Fixed", "green"),
    "maybeNew": ("Maybe new", "yellow"),
    "still": ("Still", ""),
    "maybeFixed": ("Maybe fixed", "yellow"),
}


def print_ledger(folder: Path, test: str, limit: int, task_id: str | None, as_json: bool) -> None:
    """Print the ledger of a data test. Exits if there is none."""
    path = path_with("api", "tests", "ledger", test)
    question = Question(path, DataTestLedger, {"limit": limit, "taskId": task_id})
    ledger = answer_of(folder, question, lambda open_: ledger_of(open_, test, limit, task_id))
    if as_json:
        click.echo(ledger.to_json())
        return
    console = console_for(sys.stdout)
    for line in _summary(ledger):
        print_line(console, line)
    if ledger.tasks:
        console.print(_tasks(ledger.tasks))
    if ledger.groups:
        console.print()
        console.print(_rows(ledger))


def _summary(ledger: DataTestLedger) -> Iterable[str]:
    if ledger.task_id is None:
        yield f"{ledger.test_name}: no task has counted rows"
        return
    task = next(task for task in ledger.tasks if task.task_id == ledger.task_id)
    parts = [f"{group.count:,} {_WORDS[group.state][0].lower()}" for group in ledger.groups]
    since = f"since {ledger.compared_with}: " if ledger.compared_with else ""
    changes = f"; {since}{', '.join(parts)}" if parts else ""
    yield f"{ledger.test_name}: {counted(task.row_count or 0, 'row')} in {task.task_id}{changes}"
    if ledger.groups:
        by = f"by {', '.join(ledger.key_fields)}" if ledger.key_fields else "by all their values"
        yield f"rows are compared {by}"


def _tasks(tasks: Iterable[LedgerTask]) -> Table:
    table = table_of("task")
    for heading in ("rows", "new", "fixed", "still"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for task in tasks:
        counts = (task.row_count, task.new_rows, task.fixed_rows, task.still_rows)
        table.add_row(
            plain(task.task_id), *("" if n is None else f"{n:,}" for n in counts), plain("; ".join(_notes(task)))
        )
    return table


def _notes(task: LedgerTask) -> Iterable[str]:
    """What is not known, or not to be expected."""
    if task.status is None:
        yield "not run"
    elif task.could_not_run:
        yield "could not run"
    if task.row_count is not None and task.kept_rows != task.row_count:
        yield f"{task.kept_rows:,} kept"
    if task.maybe_new_rows:
        yield f"{task.maybe_new_rows:,} maybe new"
    if task.columns_changed:
        yield "other columns"
    if task.error_msg:
        yield task.error_msg


def _rows(ledger: DataTestLedger) -> Table:
    table = table_of("", "since", *(column.name for column in ledger.columns))
    for group in ledger.groups:
        word, style = _WORDS[group.state]
        for since, is_exact, row in islice(
            zip(group.since, group.since_is_exact, group.rows, strict=True), _SHOWN_ROWS
        ):
            cells = (Text("NULL", "dim") if cell is None else plain(str(cell)) for cell in row)
            table.add_row(Text(word, style), plain(since if is_exact else f"{since} or earlier"), *cells)
        more = group.count - min(len(group.rows), _SHOWN_ROWS)
        if more:
            table.add_row(Text(word, style), f"… {more:,} more")
    return table
