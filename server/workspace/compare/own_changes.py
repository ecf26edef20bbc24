"""What has changed of an asset itself, whatever it reads: the causes that it can be of what is red."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from dagscope.server.workspace.compare.changes import AssetChanges, ValueChange
from dagscope.server.workspace.compare.code_diffs import CodeDiff


class CauseKind(StrEnum):
    """What has changed."""

    TEST = "test"
    """The data test itself."""
    SQL = "sql"
    """The code of an asset, SQL or Python."""
    PARAMETER = "parameter"
    """The run's data, or a variable of the environment."""
    SETTING = "setting"
    """The engine, its version, or the settings of a connection."""
    SCHEMA = "schema"
    """The columns of what an asset reads from outside the DAG."""
    DATA = "data"
    """The rows of what an asset reads from outside the DAG, or of an upstream that the task did not execute."""
    CLOCK = "clock"
    CHANCE = "chance"
    ORDER = "order"
    """What the same code made of the same rows: it depends on time, on chance, or on the order of rows."""
    NEW = "new"
    """An asset that the earlier task did not have."""


@dataclass(frozen=True)
class Cause:
    """A change that a node is red because of, in a sentence, and what speaks for it."""

    kind: CauseKind
    asset: str
    sentence: str
    evidence: tuple[str, ...] = ()
    test: str | None = None


def own_changes(change: AssetChanges) -> Iterator[tuple[CauseKind, str]]:
    """What of its code, its parameters and its database differs, as ends of sentences."""
    if change.source is not None and not change.is_worded_otherwise:
        what = "SQL" if change.after and change.after.code and change.after.code.sql else "Python"
        yield CauseKind.SQL, f"its {what} changed ({lines_of(change.source)})"
    if change.parameters:
        yield CauseKind.PARAMETER, f"the run's data changed: {_values(change.parameters)}"
    elif change.compiled is not None and change.variables:
        names = ", ".join(change.variables)
        yield CauseKind.PARAMETER, f"its SQL became another one, by a variable of the environment ({names})"
    elif change.compiled is not None:
        yield CauseKind.SQL, f"its SQL became another one, although its file is the same ({lines_of(change.compiled)})"
    if change.engine is not None:
        yield CauseKind.SETTING, f"the engine changed: {change.engine.before} to {change.engine.after}"
    if change.settings:
        yield CauseKind.SETTING, f"the settings of its connection changed: {_values(change.settings)}"


def _values(changes: Iterable[ValueChange]) -> str:
    return ", ".join(f"{change.name} from {_value(change.before)} to {_value(change.after)}" for change in changes)


_SHOWN = 100  # characters of a value


def _value(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def lines_of(diff: CodeDiff) -> str:
    """How many lines were added and removed."""
    return f"+{diff.added} -{diff.removed}"


def what_it_wrote(change: AssetChanges) -> Iterator[str]:
    """How what it has written differs."""
    before, after, columns = change.before, change.after, change.columns
    if before is None or after is None:
        return
    for words, names in (
        ("new", columns.added),
        ("gone", columns.removed),
    ):
        if names:
            yield f"columns that are {words}: {', '.join(column.name for column in names[:5])}"
    for retyped in columns.retyped[:3]:
        yield f"{retyped.name} is {retyped.after} instead of {retyped.before}"
    if before.rows is None or after.rows is None:
        return
    if before.rows != after.rows:
        yield f"it has {after.rows:,} rows instead of {before.rows:,}"
    elif change.same_rows is False:
        yield "it has as many rows as before, but others"


def from_outside(change: AssetChanges, has_upstreams: bool, evidence: tuple[str, ...]) -> Cause:
    """The cause of an asset whose code and upstreams are the same, and whose rows or columns are not."""
    code = change.after.code if change.after else None
    text = _without_texts((code.sql or code.source) if code else "").lower()
    for kind, words, what in _DEPENDING:
        found = words.search(text)
        if found is not None:
            sentence = f"{change.asset}: the same code made other rows of the same input, and it depends on {what}"
            return Cause(kind, change.asset, sentence, (f"it uses {found[0].strip()}", *evidence))
    is_ordering = _ORDERING.search(text)
    if has_upstreams and is_ordering is not None and not _OUTSIDE.search(text):
        sentence = f"{change.asset}: the same code made other rows of the same input, and it depends on their order"
        return Cause(CauseKind.ORDER, change.asset, sentence, (f"it uses {is_ordering[0].strip()}", *evidence))
    if change.columns:
        sentence = f"{change.asset}: what it reads from outside the DAG has other columns"
        return Cause(CauseKind.SCHEMA, change.asset, sentence, evidence)
    sentence = f"{change.asset}: what it reads from outside the DAG has other rows"
    return Cause(CauseKind.DATA, change.asset, sentence, evidence)


_TEXTS = re.compile(r"'[^']*'|--[^\r\n]*")


def _without_texts(sql: str) -> str:
    return _TEXTS.sub("''", sql)


_DEPENDING = (
    (
        CauseKind.CHANCE,
        re.compile(
            r"\b(?:random|rand|setseed|uuid|uuidv[47]|gen_random_uuid|shuffle|nextval)\s*\(|"
            r"\btablesample\b|\busing sample\b"
        ),
        "chance",
    ),
    (
        CauseKind.CLOCK,
        re.compile(
            r"\b(?:now|today|clock_timestamp|statement_timestamp|transaction_timestamp|get_current_timestamp|"
            r"get_current_time|datetime\.now|time\.time)\s*\(|\bcurrent_(?:date|time|timestamp)\b|\blocaltime(?:stamp)?\b"
        ),
        "time",
    ),
)
_ORDERING = re.compile(
    r"\b(?:row_number|rank|first|last|first_value|last_value|lag|lead|any_value|arg_min|arg_max|list|array_agg|"
    r"string_agg|group_concat|listagg)\s*\(|\blimit\b|\bdistinct on\b|\boffset\b"
)
_OUTSIDE = re.compile(r"\b(?:read_\w+|glob|sniff_csv|parquet_scan|postgres_scan|sqlite_scan)\s*\(")
