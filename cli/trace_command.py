"""`dagscope trace`: the rows that a row comes from, and those that it goes to."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from dagscope.cli.exits import counted, fail
from dagscope.cli.project_answers import Question, path_with, read_answer
from dagscope.cli.row_text import print_rows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.ground.terminal_text import shown
from dagscope.dag.model.assets import Asset
from dagscope.dag.project.project import Project
from dagscope.server.api.row_traces import trace
from dagscope.server.http.shapes.lineage import RowTrace, TracedRows, TraceRequest


@dataclass(frozen=True)
class TraceOptions:
    """Which row of which asset is meant: by the values of its key, separated by commas, or by COLUMN=VALUE."""

    asset: str
    key: str | None
    where: tuple[str, ...]
    limit: int
    as_json: bool


def print_trace(project: Project, address: str | None, options: TraceOptions) -> None:
    """Print the rows around a row. Exits if it is not said which, or if they cannot be read."""
    asset = project.assets.get(options.asset)
    if asset is None:
        fail(f'there is no asset "{options.asset}"{did_you_mean(options.asset, project.assets)}')
    row = {**_by_key(asset, options.key), **dict(map(_by_value, options.where))}
    if not row:
        fail("say which row: --key VALUE,... or --where COLUMN=VALUE")
    body = TraceRequest(row=row, limit=options.limit)
    question = Question(path_with("api", "dag", "asset", asset.name, "trace"), RowTrace, body=body)
    traced = read_answer(project, address, question, lambda own: trace(own, asset, body, Cancellation()))
    if options.as_json:
        click.echo(traced.to_json())
    else:
        _print(traced)


def _by_key(asset: Asset, key: str | None) -> dict[str, str]:
    if key is None:
        return {}
    fields = asset.primary_key_fields
    if not fields:
        fail(f'"{asset.name}" has no primary key; use --where COLUMN=VALUE')
    values = next(csv.reader([key]), [])
    if len(values) != len(fields):
        fail(f'--key: the key of "{asset.name}" is {",".join(fields)}; found {counted(len(values), "value")}')
    return dict(zip(fields, values, strict=True))


def _by_value(text: str) -> tuple[str, str]:
    column, sign, value = text.partition("=")
    if not sign:
        fail(f'--where: write COLUMN=VALUE; found "{text}"')
    return column, value


def _print(traced: RowTrace) -> None:
    click.echo(shown(traced.sentence))
    print_rows(list(traced.row), [list(traced.row.values())], "  ")
    for title, found in (("comes from", traced.upstreams), ("goes to", traced.downstreams)):
        if found:
            click.echo(f"\n{title}")
        _print_found(found)


def _print_found(found: Iterable[TracedRows]) -> None:
    for each in found:
        about = f"as {each.read_as}: " if each.read_as else f"{each.asset}: " if each.asset not in each.sentence else ""
        click.echo(f"  {shown(about + each.sentence)}")
        for text in each.not_followed:
            click.echo(f"    not followed: {shown(text)}")
        if each.rows:
            _print_first(each, each.rows)


def _print_first(each: TracedRows, rows: Sequence[Sequence[object]]) -> None:
    print_rows([column.name for column in each.columns or ()], rows, "    ")
    more = (each.matching_records or 0) - len(rows)
    if more:
        click.echo(f"    … {more:,} more")
