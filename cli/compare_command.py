"""`dagscope compare`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from dagscope.cli.exits import counted
from dagscope.cli.project_answers import Question, answer_of
from dagscope.dag.ground.terminal_text import shown_lines
from dagscope.server.api.compare_endpoints import comparison_of
from dagscope.server.http.shapes.compare import TasksCompared


def print_comparison(folder: Path, before: str | None, after: str | None, as_json: bool) -> None:
    """Print what differs between two tasks, as JSON or for people. Exits if they cannot be compared."""
    question = Question("/api/compare", TasksCompared, {"from": before, "to": after})
    comparison = answer_of(folder, question, lambda open_: comparison_of(open_, before, after))
    text = comparison.to_json()
    click.echo(text if as_json else shown_lines("\n".join(lines(json.loads(text)))))


def lines(comparison: Any) -> Iterator[str]:
    """The body of the answer for people: the causes first, then what differs of each asset."""
    before, after = comparison["from"], comparison["to"]
    yield f"{before['taskId']} {before['status']} -> {after['taskId']} {after['status']}"
    for red in comparison["red"]:
        yield ""
        yield from _red(red)
    differing = [asset for asset in comparison["assets"] if any(_differences(asset))]
    for asset in differing:
        yield ""
        yield f"{asset['assetName']}: {', '.join(_differences(asset))}"
        for key in ("sql", "compiledSql"):
            if key in asset:
                yield from (f"  {line}" for line in asset[key]["diff"].splitlines())
    yield ""
    same = len(comparison["assets"]) - len(differing)
    yield f"{counted(len(differing), 'asset differs', 'assets differ')}, {counted(same, 'asset')} as before"


def _red(red: Any) -> Iterator[str]:
    name = red.get("assetName") or ", ".join(red["testNames"])
    yield f"{name}: {red['message']}"
    if not red["causes"]:
        yield f"  {red['sentence']}"
    for number, cause in enumerate(red["causes"], 1):
        yield f"  {number}. {cause['sentence']}"
        yield from (f"     {evidence}" for evidence in cause["evidence"])


def _differences(asset: Any) -> Iterator[str]:
    """What differs of an asset, each in a few words."""
    if "fromState" not in asset:
        yield "new"
        return
    if "toState" not in asset:
        yield "not in the later task"
        return
    if asset["fromState"] != asset["toState"]:
        yield f"{asset['fromState']} -> {asset['toState']}"
    for key, words in (("sql", "SQL"), ("compiledSql", "compiled SQL")):
        if key in asset:
            yield f"{words} +{asset[key]['added']} -{asset[key]['removed']}"
    yield from _columns(asset.get("columns", {}))
    yield from _rows(asset["rows"])
    for value in (*asset["parameters"], *asset["settings"], *([asset["engine"]] if "engine" in asset else [])):
        yield f"{value['name']} {value.get('from', 'unset')} -> {value.get('to', 'unset')}"
    if asset["durationMs"]["isUnusual"]:
        times = asset["durationMs"]
        yield f"{times['to']} ms, usually {times['least']} to {times['most']}"


def _columns(columns: Any) -> Iterator[str]:
    for key in ("added", "removed"):
        if columns.get(key):
            yield f"columns {key}: {', '.join(column['name'] for column in columns[key])}"
    for column in columns.get("retyped", ()):
        yield f"{column['name']} {column['from']} -> {column['to']}"


def _rows(rows: Any) -> Iterator[str]:
    difference = rows.get("difference")
    if difference is not None and any(difference.get(key) for key in ("added", "removed", "changed")):
        counts = (f"{difference[key]:,} {key}" for key in ("added", "removed", "changed") if difference.get(key))
        yield f"rows {', '.join(counts)}"
    elif rows.get("from") != rows.get("to") and "from" in rows and "to" in rows:
        yield f"{rows['from']:,} -> {rows['to']:,} rows"
    elif rows.get("same") is False:
        yield "other rows"
