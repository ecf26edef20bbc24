"""Changes planted in generated DAGs of 30 models, each of which makes data tests red, or nothing at all."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagscope.server.workspace.compare.own_changes import CauseKind
from tests.doors import AppDoor
from tests.projects import CONFIG, block, model, write_project

SOURCES, MIDS, MARTS = 6, 14, 10
_ROWS = 40
_DEADLINE_S = 5.0  # within which the first run of a DAG that depends on the time must have ended


@dataclass
class Dag:
    """A project of files and data, and what is planted in it."""

    draw: random.Random
    sql: dict[str, str] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    """Of each source's CSV file, with its head."""
    expected: dict[str, tuple[int, int]] = field(default_factory=dict)
    config: str = CONFIG
    data: dict[str, Any] = field(default_factory=dict)
    deadline_s: float = 0

    @property
    def sources(self) -> list[str]:
        return [name for name in self.sql if name.startswith("source.")]

    def read_by_marts(self) -> list[str]:
        """The models between that a mart reads."""
        return sorted({name for mart, reads in self.reads.items() if mart.startswith("mart.") for name in reads})

    def files(self) -> dict[str, str]:
        files = {"config.yaml": self.config}
        files |= {f"data/{name}.csv": "\n".join(lines) + "\n" for name, lines in self.lines.items()}
        for name, sql in self.sql.items():
            bare = name.split(".")[1]
            head = block(f"tests: [{{name: {bare}_as_expected}}]") if name in self.expected else ""
            files[model(name)] = head + sql
        for name, (rows, total) in self.expected.items():
            files[f"assets/tests/mart/{name.split('.')[1]}_as_expected.sql"] = (
                f'SELECT * FROM (SELECT count(*) AS n, sum(value) AS total FROM {{{{ Ref("{name}") }}}}) '
                f"WHERE n <> {rows} OR total IS DISTINCT FROM {total}"
            )
        return files


def generated(draw: random.Random) -> Dag:
    """A DAG whose marts are checked for exactly the rows that they have."""
    dag = Dag(draw)
    for number in range(SOURCES):
        name = f"source.s{number}"
        values = (f"{row},{draw.randrange(1000)},{draw.randrange(5)}" for row in range(_ROWS))
        dag.lines[name] = ["id,value,kind", *values]
        dag.sql[name] = f"SELECT * FROM read_csv('data/{name}.csv')"
        dag.reads[name] = []
    for number in range(MIDS):
        earlier = [*dag.sources, *(f"mid.m{before}" for before in range(number))]
        reads = draw.sample(earlier, draw.choice([1, 2]))
        dag.reads[name := f"mid.m{number}"] = reads
        dag.sql[name] = _mid(reads, draw.randrange(1, 9))
    for number in range(MARTS):
        read = f"mid.m{draw.randrange(MIDS)}"
        dag.reads[name := f"mart.t{number}"] = [read]
        dag.sql[name] = f'SELECT kind, sum(value) AS value FROM {{{{ Ref("{read}") }}}} GROUP BY kind'
    return dag


def _mid(reads: list[str], plus: int) -> str:
    parts = " UNION ALL ".join(f'SELECT id, value, kind FROM {{{{ Ref("{name}") }}}}' for name in reads)
    return f"SELECT id, value + {plus} AS value, kind\nFROM ({parts})\nWHERE id >= 0"


@dataclass(frozen=True)
class Planted:
    """What was planted: how it is to be named, None for nothing. The asset is None if any may be named."""

    kind: CauseKind | None
    asset: str | None = None
    test: str | None = None


Plant = Callable[[Dag], Planted]
"""Changes the DAG. What must be there before the first run is done by the preparation of the same name."""


def _sql(dag: Dag) -> Planted:
    name = dag.draw.choice(dag.read_by_marts())
    dag.sql[name] = dag.sql[name].replace("WHERE id >= 0", "WHERE id >= 1")
    return Planted(CauseKind.SQL, name)


def _meaning(dag: Dag) -> Planted:
    name = dag.draw.choice(dag.read_by_marts())
    dag.sql[name] = dag.sql[name].replace(" AS value", " * 2 AS value")
    return Planted(CauseKind.SQL, name)


def _read_source(dag: Dag) -> str:
    """A source that some mart depends on."""
    found: set[str] = set()
    waiting = dag.read_by_marts()
    while waiting:
        for name in dag.reads[waiting.pop()]:
            (found.add if name.startswith("source.") else waiting.append)(name)
    return dag.draw.choice(sorted(found))


def _data(dag: Dag) -> Planted:
    name = _read_source(dag)
    dag.lines[name].append(f"{_ROWS},7,1")
    return Planted(CauseKind.DATA, name)


def _value(dag: Dag) -> Planted:
    name = _read_source(dag)
    number, value, kind = dag.lines[name][3].split(",")
    dag.lines[name][3] = f"{number},{int(value) + 1},{kind}"
    return Planted(CauseKind.DATA, name)


def _schema(dag: Dag) -> Planted:
    name = _read_source(dag)
    dag.lines[name][0] = "id,amount,kind"
    return Planted(CauseKind.SCHEMA, name)


def _retyped(dag: Dag) -> Planted:
    name = _read_source(dag)
    dag.lines[name] = [dag.lines[name][0], *(f"{line.replace(',', ',x', 1)}" for line in dag.lines[name][1:])]
    return Planted(CauseKind.SCHEMA, name)


def _parameter(dag: Dag) -> Planted:
    dag.data = {"least": 3}
    return Planted(CauseKind.PARAMETER, next(name for name, sql in dag.sql.items() if "param" in sql))


def _with_parameter(dag: Dag) -> None:
    name = dag.draw.choice(dag.read_by_marts())
    dag.sql[name] = dag.sql[name].replace("id >= 0", "id >= {{ param('least', 0) }}")


def _setting(dag: Dag) -> Planted:
    dag.config += "      extraParams: [{name: integer_division, value: true}]\n"
    return Planted(CauseKind.SETTING)


def _with_division(dag: Dag) -> None:
    name = dag.draw.choice(dag.read_by_marts())
    dag.sql[name] = dag.sql[name].replace("SELECT id, value", "SELECT id, (value / 2 * 2)::BIGINT", 1)


def _test(dag: Dag) -> Planted:
    name = dag.draw.choice(sorted(dag.expected))
    rows, total = dag.expected[name]
    dag.expected[name] = rows, total + 1
    return Planted(CauseKind.TEST, name, f"mart.{name.split('.')[1]}_as_expected")


def _clock(dag: Dag) -> Planted:
    while time.time() <= dag.deadline_s:
        time.sleep(max(0.0, dag.deadline_s - time.time()))
    return Planted(CauseKind.CLOCK, next(name for name, sql in dag.sql.items() if "now()" in sql))


def _with_clock(dag: Dag) -> None:
    dag.deadline_s = time.time() + _DEADLINE_S
    moment = datetime.fromtimestamp(dag.deadline_s, UTC).isoformat()
    name = dag.draw.choice(dag.read_by_marts())
    dag.sql[name] = dag.sql[name].replace("WHERE", f"WHERE now() < TIMESTAMPTZ '{moment}' AND")


def _order(dag: Dag) -> Planted:
    """The rows of a source come in another order, and only that: a model numbers them."""
    name = next(name for name, sql in dag.sql.items() if "row_number" in sql)
    source = dag.reads[name][0]
    dag.lines[source] = [dag.lines[source][0], *reversed(dag.lines[source][1:])]
    return Planted(CauseKind.ORDER, name)


def _with_order(dag: Dag) -> None:
    name = dag.draw.choice(dag.read_by_marts())
    dag.reads[name] = [dag.draw.choice(dag.sources)]
    dag.sql[name] = (
        "SELECT id, value * row_number() OVER () AS value, kind\n"
        f'FROM (SELECT id, value, kind FROM {{{{ Ref("{dag.reads[name][0]}") }}}})\nWHERE id >= 0'
    )


def _nothing(_: Dag) -> Planted:
    return Planted(None)


def _no_preparation(_: Dag) -> None:
    pass


PLANTS: tuple[tuple[str, Callable[[Dag], None], Plant, int], ...] = (
    ("a filter", _no_preparation, _sql, 4),
    ("a meaning", _no_preparation, _meaning, 3),
    ("a row of a source", _no_preparation, _data, 4),
    ("a value of a source", _no_preparation, _value, 3),
    ("a column of a source", _no_preparation, _schema, 3),
    ("a type of a source", _no_preparation, _retyped, 3),
    ("a parameter", _with_parameter, _parameter, 4),
    ("a setting of the engine", _with_division, _setting, 4),
    ("a data test", _no_preparation, _test, 4),
    ("the time", _with_clock, _clock, 2),
    ("the order", _with_order, _order, 3),
    ("nothing", _no_preparation, _nothing, 3),
)
"""What is planted, what must be there before, and how often: 40 in all."""


@dataclass(frozen=True)
class Named:
    """What was named for a planted change."""

    what: str
    planted: Planted
    first: tuple[str, str | None] | None
    """The kind and the asset of the first cause of the first red node; None if nothing is red."""
    strangers: tuple[str, ...]
    """Causes that were not planted."""

    @property
    def is_right(self) -> bool:
        if self.planted.kind is None or self.first is None:
            return self.planted.kind is None and self.first is None
        kind, asset = self.first
        return kind == self.planted.kind and self.planted.asset in (None, asset)


def planted_and_named(folder: Path, seed: int, often: Callable[[int], int]) -> Iterator[Named]:
    """Plant each change in DAGs of its own, `often` of the times that there are, and compare before and after."""
    for number, (what, prepare, plant, times) in enumerate(PLANTS):
        for time_ in range(often(times)):
            draw = random.Random(f"{seed} {number} {time_}")
            yield _planted(folder / f"{number}_{time_}", what, generated(draw), prepare, plant)


def _planted(folder: Path, what: str, dag: Dag, prepare: Callable[[Dag], None], plant: Plant) -> Named:
    prepare(dag)
    write_project(folder, dag.files())
    door = AppDoor(folder)
    try:
        assert door.run("measured").json()["status"] == "SUCCESS"
        dag.expected = {name: _sums(door, name) for name in dag.sql if name.startswith("mart.")}
        _restarted(door, dag)
        before = door.run("before").json()
        assert before["status"] == "SUCCESS", before
        planted = plant(dag)
        decoy = dag.draw.choice([name for name in dag.sql if name.startswith("mid.") and name != planted.asset])
        if planted.kind is not None:
            dag.sql[decoy] += "\n-- a comment changes nothing"
        _restarted(door, dag)
        door.run("after", data=dag.data)
        comparison = door.get("/api/compare?from=before&to=after").json()
    finally:
        door.stop()
    causes = [cause for red in comparison["red"] for cause in red["causes"]]
    first = comparison["red"][0]["causes"] if comparison["red"] else []
    strangers = [
        cause["sentence"]
        for cause in causes
        if cause["kind"] != planted.kind or planted.asset not in (None, cause.get("assetName"))
    ]
    named = (first[0]["kind"], first[0].get("assetName")) if first else None
    return Named(what, planted, named, tuple(dict.fromkeys(strangers)))


def _restarted(door: AppDoor, dag: Dag) -> None:
    door.stop()
    write_project(door.folder, dag.files())
    door.start()


def _sums(door: AppDoor, name: str) -> tuple[int, int]:
    rows = door.get(f"/api/dag/asset/{name}/data").json()["data"]
    return len(rows), sum(row["value"] for row in rows)
