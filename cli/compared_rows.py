"""`dagscope compare --rows`: the rows of an asset that differ between two tasks."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from dagscope.cli.console_text import plain, print_line, table_of
from dagscope.cli.exits import counted
from dagscope.cli.project_answers import Question, answer_of
from dagscope.cli.run_command import console_for
from dagscope.server.api.compare_endpoints import row_list_of
from dagscope.server.http.shapes.compare import RowsThatDiffer, RowThatDiffers
from dagscope.server.workspace.compare.row_lists import AskedList, RowChange

_STYLES = {RowChange.CHANGED: "yellow", RowChange.REMOVED: "red", RowChange.ADDED: "green"}


def print_rows(folder: Path, asset: str, before: str | None, after: str | None, limit: int, as_json: bool) -> None:
    """Print the first rows that differ, as JSON or for people. Exits if they cannot be compared."""
    query = {"asset": asset, "from": before, "to": after, "limit": limit}
    question = Question("/api/compare/rows", RowsThatDiffer, query)
    asked = AskedList(None, 0, limit)
    found = answer_of(folder, question, lambda open_: row_list_of(open_, asset, before, after, asked))
    if as_json:
        click.echo(found.to_json())
        return
    console = console_for(sys.stdout)
    for line in _summary(found):
        print_line(console, line)
    if found.rows:
        console.print()
        console.print(_table(found))


def _summary(found: RowsThatDiffer) -> Iterable[str]:
    yield f"{found.from_.task_id} {found.from_.status} -> {found.to.task_id} {found.to.status}"
    difference = found.difference
    numbers = ((difference.changed, "changed"), (difference.removed, "removed"), (difference.added, "added"))
    parts = [f"{number:,} {word}" for number, word in numbers if number]
    by = f"by {', '.join(difference.key)}" if difference.key else "by all their values"
    yield f"{found.asset_name}: {', '.join(parts) or 'the same rows'}, compared {by}"
    if found.left_out:
        yield f"not compared, as only one task has them, or with another type: {', '.join(found.left_out)}"
    if len(found.rows) < found.matching_records:
        yield f"the first {counted(len(found.rows), 'row')} of {found.matching_records:,}"


def _table(found: RowsThatDiffer) -> Table:
    table = table_of("", *(column.name for column in found.columns))
    for row in found.rows:
        times = f" {row.times:,} times" if row.times else ""
        table.add_row(Text(f"{row.change}{times}", _STYLES[row.change]), *_cells(row))
    return table


def _cells(row: RowThatDiffers) -> Iterable[Text]:
    """The values; of a changed one the old and the new."""
    before, after = row.from_, row.to
    values: Sequence[Any] = after if after is not None else before
    for place, value in enumerate(values):
        if place in row.cells:
            yield Text.assemble(_value(before[place]), " -> ", _value(value), style=_STYLES[row.change])
        else:
            yield _value(value)


def _value(value: Any) -> Text:
    if value is None or value == "":
        return Text("NULL" if value is None else "''", "dim")
    return plain(str(value))
