"""Every digit that `GET data` shows is the database's own: random tables of every type (contract, Data)."""

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.doors import AppDoor
from tests.projects import model, write_project
from tests.random_cells import DUCKDB, DUCKDB_CROSSING, POSTGRES, POSTGRES_CROSSING, SEED, Kind, query

TABLES, ROWS = 5, 36

CONFIG = """\
connections:
  - name: duck
    type: duckdb
    config: {{path: cells.duckdb}}
  - name: elephant
    type: postgres
    config: {{host: {host}, port: {port}, user: {user}, password: {password}, database: {database}}}
"""


class _Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


def parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_Number, parse_float=_Number)
    except json.JSONDecodeError as error:
        raise AssertionError(f"no JSON: ...{text[max(0, error.pos - 60) : error.pos + 40]}... (seed {SEED})") from error


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
                found.append(f"{kind.type}: {text!r} is shown as {got}, not {expected} (seed {SEED})")
    return found


def texts_of(kinds: list[Kind], relation: str) -> str:
    """A query for the database's own text of every cell; for bytes DuckDB has none that can be read back."""
    cells = ", ".join(f"CAST(c{index} AS VARCHAR)" for index in range(len(kinds)))
    return f"SELECT {cells} FROM {relation} ORDER BY row_number"


def duckdb_rows(folder: Path, sql: str) -> list[Any]:
    with duckdb.connect(str(folder / "cells.duckdb"), config={"autoload_known_extensions": False}) as database:
        return database.execute(sql).fetchall()


def postgres_rows(postgres: dict[str, str], sql: str) -> list[Any]:
    parameters = {**postgres, "dbname": postgres["database"], "options": "-c TimeZone=UTC"}
    del parameters["database"]
    with psycopg.connect(**parameters) as connection:  # type: ignore[arg-type]
        return connection.execute(sql.encode()).fetchall()


def shown_rows(door: AppDoor, asset: str) -> list[dict[str, Any]]:
    body: dict[str, Any] = parsed(door.get(f"/api/dag/asset/{asset}/data").text)
    assert int(body["rowCount"]) == ROWS
    return sorted(body["data"], key=lambda row: int(row["row_number"]))


def random_query(kinds: list[Kind], random_: random.Random) -> str:
    return "{% raw %}" + query(kinds, ROWS, random_) + "{% endraw %}"


def asset(connection: str, sql: str, extra: str = "") -> str:
    return f'{{{{ define "profile.yaml" }}}}\nconnection: {connection}\n{extra}{{{{ end }}}}\n{sql}'


@pytest.mark.timeout(240)
def test_get_data_is_exact(tmp_path: Path, postgres: dict[str, str]) -> None:
    """Random tables of all types of both engines: each of 10,000 cells is shown as the database's own text has it."""
    random_ = random.Random(SEED)
    files = {"config.yaml": CONFIG.format(**postgres)}
    for number in range(TABLES):
        files[model(f"duck.t{number}")] = asset("duck", random_query(DUCKDB, random_))
        files[model(f"elephant.t{number}")] = asset("elephant", random_query(POSTGRES, random_))
    door = AppDoor(write_project(tmp_path, files), post_wait_ms=60_000)
    assert [node["message"] for node in door.run("one").json()["nodes"] if node["message"]] == []
    shown = {
        name: shown_rows(door, name) for number in range(TABLES) for name in (f"duck.t{number}", f"elephant.t{number}")
    }
    door.stop()
    for number in range(TABLES):
        duck_texts = duckdb_rows(tmp_path, texts_of(DUCKDB, f"duck.t{number}"))
        assert differences(DUCKDB, shown[f"duck.t{number}"], duck_texts) == []
        pg_texts = postgres_rows(postgres, texts_of(POSTGRES, f"elephant.t{number}"))
        assert differences(POSTGRES, shown[f"elephant.t{number}"], pg_texts) == []
    assert TABLES * ROWS * (len(DUCKDB) + len(POSTGRES)) >= 10_000


@pytest.mark.timeout(240)
def test_cells_cross_exactly(tmp_path: Path, postgres: dict[str, str]) -> None:
    """Random tables go from each engine to the other and back: each cell's text is the same at the end."""
    random_ = random.Random(SEED)
    framed, persisted = "is_data_framed: true\n", "persist_inputs: true\n"
    files = {"config.yaml": CONFIG.format(**postgres)}
    for here, there, kinds in (("duck", "elephant", DUCKDB_CROSSING), ("elephant", "duck", POSTGRES_CROSSING)):
        for number in range(TABLES):
            name = f"t{number}"
            hop = 'SELECT * FROM {{{{ Ref("{}") }}}}'
            files[model(f"{here}.{name}")] = asset(here, random_query(kinds, random_), framed)
            files[model(f"{here}_over.{name}")] = asset(there, hop.format(f"{here}.{name}"), framed + persisted)
            files[model(f"{here}_back.{name}")] = asset(here, hop.format(f"{here}_over.{name}"), persisted)
    door = AppDoor(write_project(tmp_path, files), post_wait_ms=60_000)
    ended = door.run("one").json()
    assert [(node["assetName"], node["message"]) for node in ended["nodes"] if node["message"]] == []
    door.stop()
    for number in range(TABLES):
        for kinds, own, here in (
            (DUCKDB_CROSSING, duckdb_rows, tmp_path),
            (POSTGRES_CROSSING, postgres_rows, postgres),
        ):
            schema = "duck" if own is duckdb_rows else "elephant"
            first, last = (own(here, texts_of(kinds, f"{schema}{step}.t{number}")) for step in ("", "_back"))  # type: ignore[operator]
            changed = [
                f"{kind.type}: {before!r} became {after!r} (seed {SEED})"
                for old, new in zip(first, last, strict=True)
                for kind, before, after in zip(kinds, old, new, strict=True)
                if before != after
            ]
            assert changed == []
