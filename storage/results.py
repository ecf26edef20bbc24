"""What is kept of a node's result: a frame or a value, by the digest of the file that holds it."""

import json
from typing import Any

from sqlalchemy import Select
from sqlmodel import col

from dagscope.dag.ground.frames import Frame, Result, Value
from dagscope.storage import tables
from dagscope.storage.rows import Columns


def with_result(nodes: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Nodes with what their results are, as `result_of` wants it."""
    frame = tables.Frame
    return nodes.add_columns(col(frame.data_type), col(frame.rows).label("frame_rows"), col(frame.columns)).outerjoin(
        frame, col(tables.Node.result_digest) == col(frame.digest)
    )


def result_of(row: Columns) -> Result | None:
    """The result of such a row, None if nothing is kept."""
    if row["result_digest"] is None:
        return None
    if row["data_type"] == "dataframe":
        return Frame(row["result_digest"], row["frame_rows"], tuple(json.loads(row["columns"])))
    return Value(row["result_digest"], row["data_type"])
