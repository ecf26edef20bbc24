"""Every digit that `GET data` shows is the database's own: random tables of every type (contract, Data)."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from tests.doors import AppDoor
from tests.projects import model, write_project
from tests.random_cells import (
    DUCKDB,
    DUCKDB_CROSSING,
    POSTGRES,
    POSTGRES_CROSSING,
    ROWS,
    Kind,
    Row,
    query,
    run_data,
    tables,
)

CONFIG = """\
connections:
  - name: duck
    type: duckdb
    config: {{path: cells.duckdb}}
  - name: elephant
    type: postgres
    config: {{host: {host}, port: {port}, user: {user}, password: {password}, database: {database}}}
"""

each_is_a_run = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
"""All examples of a test are runs of one project, and each replaces the tables of the one before."""


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_Number, parse_float=_Number)
    except json.JSONDecodeError as error:
        raise AssertionError(f"no JSON: ...{text[max(0, error.pos - 60) : error.pos + 40]}...") from error


def written(value: Any) -> str | None:
    """A parsed value as JSON text again, numbers as they were."""
    match value:
        case None:
            return None
        case _Number():
            return str(value)
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return "[" + ",".join(written(item) or "null" for item in value) + "]"
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{written(item) or 'null'}" for key, item in value.items()) + "}"
    raise AssertionError(value)


def differences(kinds: list[Kind], shown: list[dict[str, Any]], texts: list[tuple[str | None, ...]]) -> list[str]:
    """Cells whose JSON is not what the database's text says."""
    found = []
    for row, own in zip(shown, texts, strict=True):
        for index, (kind, text) in enumerate(zip(kinds, own, strict=True)):
            expected = None if text is None else kind.json(text)
            got = written(row[f"c{index}"])
            if kind.json.__name__ == "_number" and got is not None:
                got = repr(float(got))
            if got != expected:
                found.append(f"{kind.type}: {text!r} is shown as {got}, not {expected}")
    return found


class Cells:
    """A project on both engines, run again and again with other rows, and the databases' own view of them."""

    def __init__(self, folder: Path, postgres: dict[str, str], files: dict[str, str]) -> None:
        config = {"config.yaml": CONFIG.format(**postgres)}
        self.folder = folder
        self.door = AppDoor(write_project(folder, config | files), post_wait_ms=60_000)
        self.postgres = psycopg.connect(
            **{**{key: value for key, value in postgres.items() if key != "database"}, "dbname": postgres["database"]},
            options="-c TimeZone=UTC",
            autocommit=True,
        )  # type: ignore[call-overload]  # ports are integers
        self.numbers = count(1)

    def run(self, **rows: list[Row]) -> None:
        data = {key: cell for table, its in rows.items() for key, cell in run_data(its, table).items()}
        ended = self.door.run(f"run {next(self.numbers)}", data=data).json()
        assert [(node["assetName"], node["message"]) for node in ended["nodes"] if node["message"]] == []

    def shown(self, asset: str) -> list[dict[str, Any]]:
        body: dict[str, Any] = parsed(self.door.get(f"/api/dag/asset/{asset}/data").text)
        assert int(body["rowCount"]) == ROWS
        return sorted(body["data"], key=lambda row: int(row["row_number"]))

    def own_texts(self, kinds: list[Kind], relation: str) -> list[Any]:
        """The database's own text of every cell; for bytes DuckDB has none that can be read back."""
        cells = ", ".join(f"CAST(c{index} AS VARCHAR)" for index in range(len(kinds)))
        sql = f"SELECT {cells} FROM {relation} ORDER BY row_number"
        if relation.startswith("elephant"):
            return self.postgres.execute(sql.encode()).fetchall()
        assert self.door.post("/api/dag/disconnect").status_code == 200
        config = {"autoload_known_extensions": False}
        with duckdb.connect(str(self.folder / "cells.duckdb"), config=config) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def exact(tmp_path: Path, postgres: dict[str, str]) -> Iterator[Cells]:
    """A table of all types of each engine."""
    yield from opened(
        Cells(
            tmp_path,
            postgres,
            {
                model("duck.t"): asset("duck", query(DUCKDB, "duck")),
                model("elephant.t"): asset("elephant", query(POSTGRES, "elephant")),
            },
        )
    )


@pytest.fixture
def crossing(tmp_path: Path, postgres: dict[str, str]) -> Iterator[Cells]:
    """A table of each engine that is copied to the other one and back."""
    framed, persisted, files = "is_data_framed: true\n", "persist_inputs: true\n", {}
    for here, there, kinds in (("duck", "elephant", DUCKDB_CROSSING), ("elephant", "duck", POSTGRES_CROSSING)):
        hop = 'SELECT * FROM {{{{ Ref("{}.t") }}}}'
        files[model(f"{here}.t")] = asset(here, query(kinds, here), framed)
        files[model(f"{here}_over.t")] = asset(there, hop.format(here), framed + persisted)
        files[model(f"{here}_back.t")] = asset(here, hop.format(f"{here}_over"), persisted)
    yield from opened(Cells(tmp_path, postgres, files))


def opened(cells: Cells) -> Iterator[Cells]:
    yield cells
    cells.door.stop()
    cells.postgres.close()


def asset(connection: str, sql: str, extra: str = "") -> str:
    return f'{{{{ define "profile.yaml" }}}}\nconnection: {connection}\n{extra}{{{{ end }}}}\n{sql}'


@pytest.mark.timeout(600)
@each_is_a_run
@given(duck=tables(DUCKDB), elephant=tables(POSTGRES))
def test_get_data_is_exact(exact: Cells, duck: list[Row], elephant: list[Row]) -> None:
    """Random tables of all types of both engines: each cell is shown as in the database's own text."""
    exact.run(duck=duck, elephant=elephant)
    shown = {engine: exact.shown(f"{engine}.t") for engine in ("duck", "elephant")}  # `own_texts` disconnects
    assert differences(DUCKDB, shown["duck"], exact.own_texts(DUCKDB, "duck.t")) == []
    assert differences(POSTGRES, shown["elephant"], exact.own_texts(POSTGRES, "elephant.t")) == []


@pytest.mark.timeout(600)
@each_is_a_run
@given(duck=tables(DUCKDB_CROSSING), elephant=tables(POSTGRES_CROSSING))
def test_cells_cross_exactly(crossing: Cells, duck: list[Row], elephant: list[Row]) -> None:
    """Random tables go from each engine to the other and back: each cell's text is the same at the end."""
    crossing.run(duck=duck, elephant=elephant)
    for engine, kinds in (("duck", DUCKDB_CROSSING), ("elephant", POSTGRES_CROSSING)):
        first, last = (crossing.own_texts(kinds, f"{engine}{step}.t") for step in ("", "_back"))
        changed = [
            f"{kind.type}: {before!r} became {after!r}"
            for old, new in zip(first, last, strict=True)
            for kind, before, after in zip(kinds, old, new, strict=True)
            if before != after
        ]
        assert changed == []
