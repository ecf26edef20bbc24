"""Columns of every type of an engine, random values for them, and the JSON that the engine's own text stands for."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]
"""Values as texts that SQL casts to the column's type."""

Row = tuple[str | None, ...]
"""A value for each column; None is NULL."""

ROWS = 8
"""The rows of a table. With all types of an engine, they are about as much as hypothesis draws for one example."""


@dataclass(frozen=True)
class Kind:
    """A column type, its values, and how the engine's text of a value (a cast to text) becomes the text of its JSON."""

    type: str
    values: Texts
    json: Callable[[str], str | None]


def tables(kinds: list[Kind]) -> st.SearchStrategy[list[Row]]:
    """Rows with columns c0, c1, ..."""
    return st.lists(st.tuples(*(kind.values | st.none() for kind in kinds)), min_size=ROWS, max_size=ROWS)


def query(kinds: list[Kind], table: str) -> str:
    """The template of a query for the rows that the run's data (`run_data`) has for this table."""
    return " UNION ALL ".join(
        f"SELECT {row} AS row_number, "
        + ", ".join(
            f"CAST({{{{ param('{table}_{row}_{column}') }}}} AS {kind.type}) AS c{column}"
            for column, kind in enumerate(kinds)
        )
        for row in range(ROWS)
    )


def run_data(rows: list[Row], table: str) -> dict[str, str | None]:
    return {f"{table}_{row}_{column}": cell for row, cells in enumerate(rows) for column, cell in enumerate(cells)}


# -- the JSON that each kind of text becomes


def _same(text: str) -> str:
    return text


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _digits(text: str) -> str:
    """DuckDB writes `.05` where JSON wants `0.05`."""
    return re.sub(r"^(-?)\.", r"\g<1>0.", text)


def _number(text: str) -> str | None:
    return None if text.lower() in ("nan", "inf", "-inf", "infinity", "-infinity") else repr(float(text))


def _decimal(text: str) -> str | None:
    return None if text in ("NaN", "Infinity", "-Infinity") else text


def _moment(text: str) -> str:
    before = re.search(r" \(?BC\)?$|(?<=\d) \(BC\)", text)
    if before:
        text = text.replace(before[0], "", 1)
        year, rest = text[: text.index("-")], text[text.index("-") :]
        text = f"{'-' if int(year) > 1 else ''}{int(year) - 1:04d}{rest}"
    return _string(text.replace(" ", "T").replace("+00", "Z"))


def _hexadecimal(text: str) -> str:
    """For DuckDB's text of bytes, and for PostgreSQL's."""
    if text.startswith("\\x") and re.fullmatch(r"\\x([0-9a-f]{2})*", text):
        return _string(base64.b64encode(bytes.fromhex(text[2:])).decode())
    raw = re.sub(r"\\x([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
    return _string(base64.b64encode(raw.encode("latin-1")).decode())


def _list_json(text: str) -> str:
    items = [item.strip() for item in text[1:-1].split(",")] if len(text) > 2 else []
    return "[" + ",".join("null" if item == "NULL" else item for item in items) + "]"


# -- values


def _integers(low: int, high: int) -> Texts:
    return st.integers(low, high).map(str)


def _decimals(precision: int, scale: int) -> Texts:
    def text(sign: str, number: int) -> str:
        digits = str(number).rjust(scale + 1, "0")
        return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)

    return st.builds(text, st.sampled_from(["", "-"]), st.integers(0, 10**precision - 1))


def _clocks(digits: int) -> Texts:
    """Times of day with the given number of digits after the second, or none."""

    def text(second: int, fraction: int | None) -> str:
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        return f"{clock}.{fraction:0{digits}d}" if fraction is not None else clock

    return st.builds(text, st.integers(0, 86_399), st.integers(0, 10**digits - 1) | st.none() if digits else st.none())


def _moments(digits: int, zone: str = "", years: tuple[int, int] = (1, 9999)) -> Texts:
    days = st.dates(date(years[0], 1, 1), date(years[1], 12, 31))
    return _ENDLESS | st.builds(lambda day, clock: f"{day} {clock}{zone}", days, _clocks(digits))


def _listed(items: Texts, brackets: str) -> Texts:
    return st.lists(items, max_size=3).map(lambda texts: brackets[0] + ",".join(texts) + brackets[1])


def _hexadecimals(before_each: str) -> Texts:
    return st.binary(max_size=5).map(lambda value: "".join(f"{before_each}{byte:02X}" for byte in value))


def _dates(before_christ: str) -> Texts:
    """PostgreSQL's dates start in 4713 BC."""
    # Years before Christ have their leap days elsewhere.
    early = st.dates(max_value=date(4000, 1, 1)).filter(lambda day: (day.month, day.day) != (2, 29))
    return _ENDLESS | st.dates().map(str) | early.map(lambda day: f"{day}{before_christ}")


_ENDLESS = st.sampled_from(["infinity", "-infinity"])
_CHARACTERS = st.text("ab '\"\\{}[],:\t\n\r\x01\x1fäß漢😀\u2028%;--", max_size=11)
_EIGHTHS = st.integers(-999, 999).map(lambda number: repr(number / 8))
_FLOATS = st.floats().map(repr)
_BOOLEANS = st.sampled_from(["true", "false"])
_ZONED_CLOCKS = st.builds(str.__add__, _clocks(6), st.sampled_from(["+02", "-11:30", "+00"]))
_INTERVALS = st.builds(
    "{} months {} days {}.25 seconds".format,
    st.integers(-500, 500), st.integers(-999, 999), st.integers(-9999, 9999),
)  # fmt: skip
_UUIDS = st.uuids().map(str)
_BITS = st.text("01", min_size=1, max_size=20)
_JSONS = st.builds(
    lambda number, text: json.dumps({"a": [number, None, re.sub("[\x01\x1f]", "", text)]}),
    st.integers(0, 8),
    _CHARACTERS,
)
_SMALL = st.integers(0, 98)


_SIZES = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}

DUCKDB_CROSSING = [
    *(Kind(name, _integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), _same) for name, bits in _SIZES.items()),
    *(Kind("U" + name, _integers(0, 2**bits - 1), _same) for name, bits in _SIZES.items() if bits < 128),
    Kind("UHUGEINT", _integers(0, 2**127 - 1), _same),
    *(
        Kind(f"DECIMAL({p},{s})", _decimals(p, s), _digits)
        for p, s in ((1, 0), (4, 2), (18, 18), (19, 5), (38, 10), (38, 38))
    ),
    Kind("FLOAT", _EIGHTHS, _number),
    Kind("DOUBLE", _FLOATS, _number),
    Kind("BOOLEAN", _BOOLEANS, _same),
    Kind("VARCHAR", _CHARACTERS, _string),
    Kind("BLOB", _hexadecimals("\\x"), _hexadecimal),
    Kind("DATE", _dates(" (BC)"), _moment),
    Kind("TIMESTAMP", _moments(6), _moment),
    Kind("TIMESTAMP_S", _moments(0), _moment),
    Kind("TIMESTAMP_MS", _moments(3), _moment),
    Kind("TIMESTAMPTZ", _moments(6, "+00"), _moment),
    Kind("TIME", _clocks(6), _string),
    Kind("TIMETZ", _ZONED_CLOCKS, _string),
    Kind("INTERVAL", _INTERVALS, _string),
    Kind("UUID", _UUIDS, _string),
    Kind("BIT", _BITS, _string),
    Kind("JSON", _JSONS, _string),
    Kind("ENUM('sad', 'o\"k', 'ß')", st.sampled_from(["sad", 'o"k', "ß"]), _string),
    Kind("INTEGER[]", _listed(_integers(-9, 9), "[]"), _list_json),
    Kind("DECIMAL(9,3)[]", _listed(_decimals(9, 3), "[]"), _list_json),
]
"""Types of DuckDB that PostgreSQL can hold."""

DUCKDB = [
    *DUCKDB_CROSSING,
    Kind("UHUGEINT", _integers(0, 2**128 - 1), _same),
    Kind("BIGNUM", _integers(-(10**60), 10**60), _same),
    Kind("TIMESTAMP_NS", _moments(9, years=(1700, 2200)), _moment),
    Kind("TIME_NS", _clocks(9), _string),
    Kind("INTEGER[2]", st.builds("[{}, {}]".format, _SMALL, _SMALL), _list_json),
    Kind(
        "INTEGER[][]",
        _listed(_listed(_integers(-9, 9), "[]"), "[]"),
        lambda text: text.replace(" ", ""),
    ),
    Kind(
        'STRUCT(a DECIMAL(4,2), "b c" UHUGEINT)',
        st.builds("{{a: {}.50, 'b c': {}}}".format, _SMALL, st.integers(0, 2**128 - 1)),
        lambda text: re.sub(r"\{'?a'?: ([\d.]+), '?b c'?: (\d+)\}", r'{"a":\1,"b c":\2}', text),
    ),
    Kind(
        "MAP(VARCHAR, INTEGER)",
        st.builds("{{x={}, y={}}}".format, _SMALL, _SMALL),
        lambda text: re.sub(r"(\w)=(\d+)", r'"\1":\2', text).replace(" ", ""),
    ),
]
"""All types of DuckDB that the API shows."""

POSTGRES_CROSSING = [
    *(
        Kind(name, _integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), _same)
        for name, bits in (("smallint", 16), ("integer", 32), ("bigint", 64))
    ),
    *(Kind(f"numeric({p},{s})", _decimals(p, s), _same) for p, s in ((1, 0), (4, 2), (18, 18), (38, 0), (38, 10))),
    Kind("real", _EIGHTHS, _number),
    Kind("double precision", _FLOATS, _number),
    Kind("boolean", _BOOLEANS, _same),
    Kind("text", _CHARACTERS, _string),
    Kind("varchar(12)", _CHARACTERS, _string),
    Kind("bytea", _hexadecimals("").map("\\\\x{}".format), _hexadecimal),
    Kind("date", _dates(" BC"), _moment),
    Kind("timestamp", _moments(6), _moment),
    Kind("timestamptz", _moments(6, "+00"), _moment),
    Kind("time", _clocks(6), _string),
    Kind("timetz", _ZONED_CLOCKS, _string),
    Kind("uuid", _UUIDS, _string),
    Kind("varbit", _BITS, _string),
    Kind("json", _JSONS, _string),
    Kind("jsonb", _JSONS, _string),
    Kind("integer[]", _listed(_integers(-9, 9), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind("numeric(9,3)[]", _listed(_decimals(9, 3), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind(
        "uuid[]",
        _listed(_UUIDS, "{}"),
        lambda text: json.dumps(text[1:-1].split(",") if len(text) > 2 else []).replace(" ", ""),
    ),
]
"""Types of PostgreSQL that DuckDB can hold. INTERVAL crosses too, but its text differs between engines."""

POSTGRES = [
    *POSTGRES_CROSSING,
    Kind("numeric", _decimals(60, 20), _decimal),
    Kind("numeric", st.sampled_from(["NaN", "Infinity", "1.10", "0.000"]), _decimal),
    Kind("numeric(10,2)", st.sampled_from(["NaN", "1.10"]), _decimal),
    Kind("numeric(60,3)", _decimals(57, 3), _same),
    Kind("numeric[]", _listed(_decimals(40, 3), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind("int4range", st.builds("[{},{})".format, st.integers(0, 8), st.integers(9, 18)), _string),
    Kind("inet", st.integers(0, 255).map("10.0.0.{}/24".format), _string),
    Kind("oid", _integers(0, 2**32 - 1), _same),
]
"""All types of PostgreSQL that the API shows."""
