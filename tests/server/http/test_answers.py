"""A JSON shape around a value that is sent unchanged."""

import json

import pytest

from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import around
from dagscope.server.http.shapes.assets import ExecuteResult
from dagscope.server.http.shapes.logs import TaskLogs
from dagscope.server.http.shapes.rows import AssetData

SHAPES = [
    (TaskLogs(task_id="t", logs=(), count=3), "logs"),
    (TaskLogs(task_id="t", logs=(), count=3, cursor="7", has_more=False), "logs"),
    (AssetData(asset_name="s.a", has_data=True, data_type="map", is_data_framed=False, error='"data":0,{}'), "data"),
    (AssetData(asset_name='","data":[],"x":"', has_data=True, data_type="map", is_data_framed=False), "data"),
    (ExecuteResult(rows_affected=1, data="not this"), "data"),
    (ExecuteResult(rows_affected=1), "rows_affected"),
]


@pytest.mark.parametrize(("shape", "field"), SHAPES)
@pytest.mark.parametrize("value", ["[]", '{"data":[{"logs":[]}]}'])
def test_around(shape: Shape, field: str, value: str) -> None:
    """Head, value and foot are the shape's own JSON with that value for the field, whatever else the shape contains."""
    alias = type(shape).model_fields[field].alias or field
    head, foot = around(shape, field)
    assert json.loads(f"{head}{value}{foot}") == json.loads(shape.to_json()) | {alias: json.loads(value)}


def test_around_keeps_the_order() -> None:
    """The value is at the place of the field in the shape."""
    shape = AssetData(asset_name="s.a", has_data=True, data_type="dataframe", is_data_framed=True, row_count=1)
    assert around(shape, "data") == (
        '{"assetName":"s.a","hasData":true,"dataType":"dataframe","isDataFramed":true,"data":',
        ',"rowCount":1,"error":""}',
    )
    assert around(ExecuteResult(rows_affected=1), "data") == ('{"rows_affected":1,"data":', "}")
    assert around(ExecuteResult(rows_affected=1), "rows_affected") == ('{"rows_affected":', "}")
