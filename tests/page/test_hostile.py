"""Text that tries to be more than text."""

from collections.abc import Iterator

import pytest

from tests.doors import ServerDoor
from tests.page.conftest import Visit
from tests.page.hostile import FOUND, STRINGS, hostile_project

VIEWS = {
    "DAG": "/",
    "DAG with an asset": "/?asset=a.__proto__",
    "list": "/?view=list",
    "filtered": "/?q=%22%3E%3Cx-hostile%3E",
    "code": "/assets/a.__proto__?tab=sql",
    "Python": "/assets/a.cells?tab=sql",
    "data": "/assets/a.cells?tab=data",
    "columns": "/assets/a.columns?tab=data",
    "statements": "/assets/a.columns?tab=statements",
    "error": "/assets/a.toString",
    "SQL error": "/assets/a.wrong",
    "log of an asset": "/assets/a.cells?tab=logs",
    "unknown asset": "/assets/%22%3E%3Cx-hostile%3E",
    "task": "/tasks/monday",
    "unknown task": "/tasks/%3Cimg%20src=x%20onerror=window.hostile=1%3E",
    "tests": "/tests",
    "rows of a test": "/tests?test=a.test_valueOf",
    "logs": "/logs",
    "history": "/history",
    "compare": "/compare?from=monday",
}


@pytest.fixture(scope="module")
def served_hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerDoor]:
    server = ServerDoor(hostile_project(tmp_path_factory.mktemp("hostile")))
    server.run("monday", data={text: text for text in STRINGS})
    yield server
    server.stop()


@pytest.mark.parametrize("view", VIEWS)
def test_text_stays_text(served_hostile: ServerDoor, visit: Visit, view: str) -> None:
    """Of 200 strings in descriptions, logs, SQL, cells, errors and names, no script runs and no HTML appears."""
    visitor = visit(served_hostile)
    if view.startswith("unknown"):
        visitor.expect_faults("status of 404")
    page = visitor.open_fully(VIEWS[view])
    assert page.evaluate(FOUND) == []
