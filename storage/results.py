"""The kept results of nodes: frames or values, by the digest of the file that holds them."""

import json
from typing import Any

from sqlalchemy import Select
from sqlmodel import col

from dagscope.dag.ground.frames import Frame, Result, Value
from dagscope.storage import tables
from dagscope.storage.rows import Columns


def with_result(nodes: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Nodes with the columns of their results that `result_of` needs."""
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
