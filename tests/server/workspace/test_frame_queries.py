"""Sorting and filtering kept frames, against plain Python (docs/http-api/assets.md, Filters and sorting)."""

import math
import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dagscope.dag.connections.arrow_types import NotedType, with_type
from dagscope.dag.connections.neutral_types import DECIMAL, NeutralType
from dagscope.dag.connections.row_conditions import AskedRows
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import Cancelled
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.server.workspace.frame_queries import FrameQueries

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000) | st.decimals(
    allow_nan=False, allow_infinity=False
).filter(lambda number: abs(number.adjusted()) < 60)
ANY_NUMBER = NUMBERS | st.sampled_from([Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3)
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 9),
        st.none() | ANY_NUMBER,
        st.none() | st.floats(allow_nan=False),
        st.none() | TEXTS,
    ),
    min_size=1,
    max_size=20,
)
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip

each_is_a_frame = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40
)


def key(value: Any) -> Any:
    """How numbers of any length compare: NaN is the greatest."""
    return (math.inf, 1) if isinstance(value, Decimal) and value.is_nan() else (value, 0)


class Kept:
    """Frames of one folder, and what is asked of them."""

    def __init__(self, folder: Path) -> None:
        self.files = FrameFiles(folder)
        self.queries = FrameQueries(self.files)

    def places(self, rows: list[tuple[Any, ...]], asked: AskedRows) -> list[int]:
        whole, numeric, floats, texts = zip(*rows, strict=True)
        written = [
            None if number is None else f"{number:f}" if number.is_finite() else str(number) for number in numeric
        ]
        fields = [
            pa.field("n", pa.int64()),
            with_type(pa.field("d", pa.string()), NotedType(NeutralType(DECIMAL), "postgres", "numeric")),
            pa.field("f", pa.float64()),
            pa.field("s", pa.string()),
        ]
        columns = [
            pa.array(values, field.type) for values, field in zip((whole, written, floats, texts), fields, strict=True)
        ]
        frame = self.files.write(pa.table(columns, schema=pa.schema(fields)).to_reader(max_chunksize=7))
        found = self.queries.places(frame, asked, Cancellation())
        return list(range(len(rows))) if found is None else found.to_pylist()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path)
    yield found
    found.queries.close()


@each_is_a_frame
@given(rows=ROWS, name=st.sampled_from(sorted(OPERATORS)), number=NUMBERS)
def test_numbers_are_compared_exactly(kept: Kept, rows: list[tuple[Any, ...]], name: str, number: Decimal) -> None:
    """Whole numbers and numbers of any length fulfil a condition exactly if they do so as Python's."""
    compared = OPERATORS[name]
    for place, column in enumerate("nd"):
        expected = [
            index for index, row in enumerate(rows) if row[place] is not None and compared(key(row[place]), key(number))
        ]
        assert kept.places(rows, AskedRows(filters=(f"{column}:{name}:{number}",))) == expected


@each_is_a_frame
@given(rows=ROWS, text=TEXTS)
def test_texts_are_compared_by_code_points(kept: Kept, rows: list[tuple[Any, ...]], text: str) -> None:
    """Any text is a value, whatever it means in SQL, and `ne` shows what `eq` leaves out."""
    found = {
        name: set(kept.places(rows, AskedRows(filters=(f"s:{name}:{text}",))))
        for name in ("eq", "ne", "lt", "contains")
    }
    texts = {index: row[3] for index, row in enumerate(rows)}
    assert found["eq"] == {index for index, own in texts.items() if own == text}
    assert found["ne"] == set(texts) - found["eq"]
    assert found["lt"] == {index for index, own in texts.items() if own is not None and own < text}
    assert found["contains"] == {index for index, own in texts.items() if own is not None and text in own}


@each_is_a_frame
@given(rows=ROWS, names=st.permutations(["n", "-d", "f", "-s"]), count=st.integers(1, 4))
def test_sorting(kept: Kept, rows: list[tuple[Any, ...]], names: list[str], count: int) -> None:
    """Rows are sorted as Python sorts them by the same keys, NULL last, equal ones in their own order."""
    expected = list(range(len(rows)))
    for name in reversed(names[:count]):
        place, is_down = "ndfs".index(name[-1]), name.startswith("-")
        nulls = [index for index in expected if rows[index][place] is None]
        values = [index for index in expected if rows[index][place] is not None]
        values.sort(key=lambda index: key(rows[index][place]), reverse=is_down)
        expected = values + nulls
    assert kept.places(rows, AskedRows(sort=",".join(names[:count]))) == expected


def test_a_query_is_interrupted(kept: Kept) -> None:
    """A read that has been cancelled looks for nothing."""
    frame = kept.files.write(pa.table({"n": [2, 1]}).to_reader())
    cancellation = Cancellation()
    cancellation.request()
    with pytest.raises(Cancelled):
        kept.queries.places(frame, AskedRows(sort="n"), cancellation)
