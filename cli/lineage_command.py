"""`dagscope lineage`: where the columns of an asset come from, and where one of them goes."""

from collections.abc import Iterable, Iterator

import click

from dagscope.cli.exits import fail
from dagscope.cli.project_answers import Question, path_with, read_answer
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.problems import did_you_mean
from dagscope.dag.ground.terminal_text import shown
from dagscope.dag.project.project import Project
from dagscope.server.api.column_origins import lineage_answer
from dagscope.server.api.column_ways import way_answer
from dagscope.server.http.shapes.lineage import AssetLineage, ColumnOrigin, ColumnWay, WayColumn

_SHOWN_ORIGINS = 3


def print_lineage(project: Project, address: str | None, name: str, as_json: bool) -> None:
    """Print the origins of an asset's columns, or the whole way of one column. Exits if there is no such column."""
    asset, column = _split(project, name)
    answer = _way(project, address, asset, column) if column else _lineage(project, address, asset)
    if as_json:
        click.echo(answer.to_json())
        return
    for line in _way_lines(answer) if isinstance(answer, ColumnWay) else _asset_lines(answer):
        click.echo(shown(line))


def _split(project: Project, name: str) -> tuple[str, str]:
    """The asset and the column that a name such as `dds.fct_flight.origin` means; "" for no column."""
    stage, _, rest = name.partition(".")
    model, _, column = rest.partition(".")
    asset = f"{stage}.{model}" if model else stage
    if asset not in project.assets:
        fail(f'there is no asset "{asset}"{did_you_mean(asset, project.assets)}')
    return asset, column


def _lineage(project: Project, address: str | None, asset: str) -> AssetLineage:
    question = Question(path_with("api", "dag", "asset", asset, "lineage"), AssetLineage)
    return read_answer(project, address, question, lambda own: lineage_answer(own, own.assets[asset], Cancellation()))


def _way(project: Project, address: str | None, asset: str, column: str) -> ColumnWay:
    question = Question(path_with("api", "dag", "asset", asset, "lineage", "way"), ColumnWay, {"column": column})
    return read_answer(
        project, address, question, lambda own: way_answer(own, own.assets[asset], column, Cancellation())
    )


def _asset_lines(lineage: AssetLineage) -> Iterator[str]:
    yield f"{lineage.name} ({lineage.path})"
    width = max((len(column.name) for column in lineage.columns), default=0)
    for column in lineage.columns:
        origins = _origins(column.from_)
        parts = [*([f"from {origins}"] if origins else []), *([column.why] if column.why else [])]
        yield f"  {column.name.ljust(width)}  {': '.join(parts)}"


def _origins(origins: Iterable[ColumnOrigin]) -> str:
    names = [_name(each) for each in origins]
    more = len(names) - _SHOWN_ORIGINS
    return ", ".join(names[:_SHOWN_ORIGINS]) + (f" and {more} more" if more > 0 else "")


def _name(origin: ColumnOrigin) -> str:
    return f"{origin.asset or origin.relation}.{origin.column}"


def _way_lines(way: ColumnWay) -> Iterator[str]:
    yield f"{way.name}.{way.column}{_why(way.columns[0])}"
    yield from _tree(way)
    goes_to = [each for each in way.columns if each.side == "downstream"]
    if goes_to:
        yield "goes to"
    for column in goes_to:
        yield f"  {column.asset}.{column.column}{_why(column)}"
    for asset, reason in way.reasons.items():
        yield f"{asset} ends the way: {reason}"
    if not way.is_whole:
        yield "There is more: too many assets to look at"


def _tree(way: ColumnWay) -> Iterator[str]:
    """The origins, each below a column that comes from it; one that several come from has its own origins once."""
    columns = {(each.asset, each.column.lower()): each for each in way.columns if each.side != "downstream"}
    waiting = [(1, each) for each in reversed(way.columns[0].from_)]
    if waiting:
        yield "comes from"
    while waiting:
        level, origin = waiting.pop()
        column = columns.pop((origin.asset or "", origin.column.lower()), None)
        yield f"{'  ' * level}{_name(origin)}{_why(column)}"
        waiting.extend((level + 1, each) for each in reversed(column.from_ if column is not None else ()))


def _why(column: WayColumn | None) -> str:
    return f"  {column.why}" if column is not None and column.why else ""
