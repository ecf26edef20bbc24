"""Random columns of every type that an engine has, as SQL, and what the API must make of the engine's own text.

The seed is `DAGSCOPE_TEST_SEED`, else a random one; a failing test prints it.
"""

import base64
import json
import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

SEED = int(os.environ.get("DAGSCOPE_TEST_SEED") or random.SystemRandom().randrange(2**32))

Make = Callable[[random.Random], str]
"""One random value as a text that SQL casts to the column's type."""


@dataclass(frozen=True)
class Kind:
    """A column type, its values, and how the engine's text of one (a cast to text) becomes the text of its JSON."""

    type: str
    make: Make
    json: Callable[[str], str | None]


def column(kind: Kind, random_: random.Random) -> str:
    """One value as SQL; one in eight is NULL."""
    if random_.random() < 0.125:
        return f"CAST(NULL AS {kind.type})"
    return "CAST('" + kind.make(random_).replace("'", "''") + f"' AS {kind.type})"


def query(kinds: list[Kind], rows: int, random_: random.Random) -> str:
    """A query for random rows with columns c0, c1, ..."""
    return " UNION ALL ".join(
        "SELECT "
        + ", ".join(
            [f"{number} AS row_number"] + [f"{column(kind, random_)} AS c{index}" for index, kind in enumerate(kinds)]
        )
        for number in range(rows)
    )


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
    """Of DuckDB's text of bytes, and of PostgreSQL's."""
    if text.startswith("\\x") and re.fullmatch(r"\\x([0-9a-f]{2})*", text):
        return _string(base64.b64encode(bytes.fromhex(text[2:])).decode())
    raw = re.sub(r"\\x([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
    return _string(base64.b64encode(raw.encode("latin-1")).decode())


# -- random values


def _integer(low: int, high: int) -> Make:
    def make(random_: random.Random) -> str:
        return str(
            random_.choice([low, high, 0, random_.randint(low, high), random_.randint(max(low, -9), min(high, 9))])
        )

    return make


def _decimals(precision: int, scale: int) -> Make:
    def make(random_: random.Random) -> str:
        digits = str(random_.randrange(10 ** random_.randint(1, precision))).rjust(scale + 1, "0")
        sign = random_.choice(["", "-"])
        return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)

    return make


def _floats(random_: random.Random) -> str:
    special = random_.choice(["nan", "infinity", "-infinity", "0", "-0.0", "1e20", "1e-7", "123456789"])
    return special if random_.random() < 0.3 else repr(random_.uniform(-1e6, 1e6) * 10 ** random_.randint(-20, 20))


def _texts(random_: random.Random) -> str:
    alphabet = "ab '\"\\{}[],:\t\n\r\x01\x1fäß漢😀\u2028%;--"
    return "".join(random_.choice(alphabet) for _ in range(random_.randrange(12)))


def _dates(random_: random.Random) -> str:
    if random_.random() < 0.1:
        return random_.choice(["infinity", "-infinity"])
    year = random_.choice([random_.randint(1, 9999), 1970, 2000])
    return f"{year:04d}-{random_.randint(1, 12):02d}-{random_.randint(1, 28):02d}"


def _bc(suffix: str) -> Make:
    def make(random_: random.Random) -> str:
        date = _dates(random_)
        return date if "inf" in date or date > "4000" or random_.random() < 0.7 else date + suffix

    return make


def _clocks(digits: int) -> Make:
    def make(random_: random.Random) -> str:
        clock = f"{random_.randrange(24):02d}:{random_.randrange(60):02d}:{random_.randrange(60):02d}"
        fraction = str(random_.randrange(10**digits)).rjust(digits, "0") if digits else ""
        return f"{clock}.{fraction}" if digits and random_.random() < 0.7 else clock

    return make


def _moments(digits: int, zone: str = "", years: tuple[int, int] = (1, 9999)) -> Make:
    def make(random_: random.Random) -> str:
        if random_.random() < 0.1:
            return random_.choice(["infinity", "-infinity"])
        date = f"{random_.randint(*years):04d}-{random_.randint(1, 12):02d}-{random_.randint(1, 28):02d}"
        return f"{date} {_clocks(digits)(random_)}{zone}"

    return make


def _intervals(random_: random.Random) -> str:
    months, days, seconds = (random_.randint(-size, size) for size in (500, 999, 9999))
    return f"{months} months {days} days {seconds}.25 seconds"


def _uuids(random_: random.Random) -> str:
    digits = f"{random_.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _bits(random_: random.Random) -> str:
    return "".join(random_.choice("01") for _ in range(random_.randint(1, 20)))


def _jsons(random_: random.Random) -> str:
    return json.dumps({"a": [random_.randrange(9), None, _texts(random_).replace("\x01", "").replace("\x1f", "")]})


def _bytes(form: str) -> Make:
    def make(random_: random.Random) -> str:
        return form.join(["", *(f"{random_.randrange(256):02X}" for _ in range(random_.randrange(6)))])

    return make


def _listed(item: Make, brackets: str) -> Make:
    def make(random_: random.Random) -> str:
        return brackets[0] + ",".join(item(random_) for _ in range(random_.randrange(4))) + brackets[1]

    return make


def _list_json(text: str) -> str:
    items = [item.strip() for item in text[1:-1].split(",")] if len(text) > 2 else []
    return "[" + ",".join("null" if item == "NULL" else item for item in items) + "]"


_SIZES = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}

DUCKDB_CROSSING = [
    *(Kind(name, _integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), _same) for name, bits in _SIZES.items()),
    *(Kind("U" + name, _integer(0, 2**bits - 1), _same) for name, bits in _SIZES.items() if bits < 128),
    Kind("UHUGEINT", _integer(0, 2**127 - 1), _same),
    *(
        Kind(f"DECIMAL({p},{s})", _decimals(p, s), _digits)
        for p, s in ((1, 0), (4, 2), (18, 18), (19, 5), (38, 10), (38, 38))
    ),
    Kind("FLOAT", lambda random_: repr(random_.randrange(-999, 999) / 8), _number),
    Kind("DOUBLE", _floats, _number),
    Kind("BOOLEAN", lambda random_: random_.choice(["true", "false"]), _same),
    Kind("VARCHAR", _texts, _string),
    Kind("BLOB", _bytes("\\x"), _hexadecimal),
    Kind("DATE", _bc(" (BC)"), _moment),
    Kind("TIMESTAMP", _moments(6), _moment),
    Kind("TIMESTAMP_S", _moments(0), _moment),
    Kind("TIMESTAMP_MS", _moments(3), _moment),
    Kind("TIMESTAMPTZ", _moments(6, "+00"), _moment),
    Kind("TIME", _clocks(6), _string),
    Kind("TIMETZ", lambda random_: _clocks(6)(random_) + random_.choice(["+02", "-11:30", "+00"]), _string),
    Kind("INTERVAL", _intervals, _string),
    Kind("UUID", _uuids, _string),
    Kind("BIT", _bits, _string),
    Kind("JSON", _jsons, _string),
    Kind("ENUM('sad', 'o\"k', 'ß')", lambda random_: random_.choice(["sad", 'o"k', "ß"]), _string),
    Kind("INTEGER[]", _listed(_integer(-9, 9), "[]"), _list_json),
    Kind("DECIMAL(9,3)[]", _listed(_decimals(9, 3), "[]"), _list_json),
]
"""Types of DuckDB's that PostgreSQL can hold."""

DUCKDB = [
    *DUCKDB_CROSSING,
    Kind("UHUGEINT", _integer(0, 2**128 - 1), _same),
    Kind("BIGNUM", _integer(-(10**60), 10**60), _same),
    Kind("TIMESTAMP_NS", _moments(9, years=(1700, 2200)), _moment),
    Kind("TIME_NS", _clocks(9), _string),
    Kind("INTEGER[2]", lambda random_: f"[{random_.randrange(9)}, {random_.randrange(9)}]", _list_json),
    Kind(
        "INTEGER[][]",
        lambda random_: random_.choice(["[[1, 2], [], [3]]", "[]", "[[]]"]),
        lambda text: text.replace(" ", ""),
    ),
    Kind(
        'STRUCT(a DECIMAL(4,2), "b c" UHUGEINT)',
        lambda random_: f"{{a: {random_.randrange(99)}.50, 'b c': {random_.getrandbits(128)}}}",
        lambda text: re.sub(r"\{'?a'?: ([\d.]+), '?b c'?: (\d+)\}", r'{"a":\1,"b c":\2}', text),
    ),
    Kind(
        "MAP(VARCHAR, INTEGER)",
        lambda random_: f"{{x={random_.randrange(99)}, y={random_.randrange(99)}}}",
        lambda text: re.sub(r"(\w)=(\d+)", r'"\1":\2', text).replace(" ", ""),
    ),
]
"""All types of DuckDB's that the API shows."""

POSTGRES_CROSSING = [
    *(
        Kind(name, _integer(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), _same)
        for name, bits in (("smallint", 16), ("integer", 32), ("bigint", 64))
    ),
    *(Kind(f"numeric({p},{s})", _decimals(p, s), _same) for p, s in ((1, 0), (4, 2), (18, 18), (38, 0), (38, 10))),
    Kind("real", lambda random_: repr(random_.randrange(-999, 999) / 8), _number),
    Kind("double precision", _floats, _number),
    Kind("boolean", lambda random_: random_.choice(["true", "false"]), _same),
    Kind("text", _texts, _string),
    Kind("varchar(12)", _texts, _string),
    Kind("bytea", lambda random_: "\\x" + _bytes("")(random_), _hexadecimal),
    Kind("date", _bc(" BC"), _moment),
    Kind("timestamp", _moments(6), _moment),
    Kind("timestamptz", _moments(6, "+00"), _moment),
    Kind("time", _clocks(6), _string),
    Kind("timetz", lambda random_: _clocks(6)(random_) + random_.choice(["+02", "-11:30", "+00"]), _string),
    Kind("uuid", _uuids, _string),
    Kind("varbit", _bits, _string),
    Kind("json", _jsons, _string),
    Kind("jsonb", _jsons, _string),
    Kind("integer[]", _listed(_integer(-9, 9), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind("numeric(9,3)[]", _listed(_decimals(9, 3), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind(
        "uuid[]",
        _listed(_uuids, "{}"),
        lambda text: json.dumps(text[1:-1].split(",") if len(text) > 2 else []).replace(" ", ""),
    ),
]
"""Types of PostgreSQL's that DuckDB can hold; INTERVAL crosses too, but its text differs between engines."""

POSTGRES = [
    *POSTGRES_CROSSING,
    Kind("numeric", _decimals(60, 20), _decimal),
    Kind("numeric", lambda random_: random_.choice(["NaN", "Infinity", "1.10", "0.000"]), _decimal),
    Kind("numeric(10,2)", lambda random_: random_.choice(["NaN", "1.10"]), _decimal),
    Kind("numeric(60,3)", _decimals(57, 3), _same),
    Kind("numeric[]", _listed(_decimals(40, 3), "{}"), lambda text: "[" + text[1:-1] + "]"),
    Kind("int4range", lambda random_: f"[{random_.randrange(9)},{random_.randrange(9, 19)})", _string),
    Kind("inet", lambda random_: f"10.0.0.{random_.randrange(256)}/24", _string),
    Kind("oid", _integer(0, 2**32 - 1), _same),
]
"""All types of PostgreSQL's that the API shows."""
