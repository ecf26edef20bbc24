"""The example that `make demo-lake` runs."""

from pathlib import Path

import pytest

from tests.doors import OpenDoor
from tests.projects import copy_example


def test_rows_cross_to_the_cluster_and_back(
    tmp_path: Path, spark: dict[str, str], opened: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All assets and data tests of the example succeed, one of which compares Spark's figures with DuckDB's."""
    monkeypatch.setenv("DAGSCOPE_SPARK_URL", "sc://{host}:{port}/;token={token}".format(**spark))
    copy_example("nycflights", tmp_path)
    door = opened(copy_example("lake", tmp_path), post_wait_ms=300_000)
    ended = door.run("t").json()
    assert (ended["status"], ended["completedAssets"]) == ("SUCCESS", 6)
    assert sum(node["passedTests"] for node in ended["nodes"]) == 4
    scorecard = door.get("/api/dag/asset/mart.scorecard/data").json()["data"]
    assert sum(row["flights"] for row in scorecard) == 336_776
