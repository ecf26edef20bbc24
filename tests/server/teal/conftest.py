"""The hello project with a data test that fails, behind a server that answers in Teal's shapes."""

from pathlib import Path

import pytest

from tests.dag.run.task_run import data_test
from tests.doors import AppDoor, OpenDoor
from tests.projects import block, model, write_files

FILES = {
    model("dds.world"): block("tests: [{name: test_world_count}]")
    + 'SELECT greeting, -1 AS count, 9223372036854775807 AS big FROM {{ Ref("staging.hello") }}',
    model("mart.last"): block("materialization: view") + 'SELECT range AS n FROM range(35), {{ Ref("dds.world") }}',
    model("mart.none"): block("materialization: custom") + "SELECT 1",
    data_test("root.test_all"): 'SELECT * FROM {{ Ref("mart.last") }} WHERE n > 100',
}


@pytest.fixture
def folder(hello: Path) -> Path:
    return write_files(hello, FILES)


@pytest.fixture
def teal(folder: Path, opened: OpenDoor) -> AppDoor:
    return opened(folder, dialect="teal-v1")
