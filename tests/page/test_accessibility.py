"""What axe finds in each view, in both themes."""

import pytest

from tests.doors import ServerDoor
from tests.page.accessibility import serious_violations
from tests.page.conftest import Visit

VIEWS = {
    "DAG": "/",
    "DAG with an asset": "/?asset=dds.order",
    "list": "/?view=list",
    "code": "/assets/dds.order",
    "steps": "/assets/dds.order?tab=steps&step=2",
    "columns": "/?asset=dds.customer&tab=columns&column=spent",
    "trace": "/assets/dds.customer?tab=trace&row=%7B%22customer%22:%22customer+1%22%7D",
    "data": "/assets/dds.order?tab=data",
    "statements": "/assets/dds.order?tab=statements",
    "task": "/tasks/monday",
    "tests": "/tests",
    "rows of a test": "/tests?test=dds.test_amount_positive",
    "logs": "/logs",
    "history": "/history",
    "unknown asset": "/assets/dds.nowhere",
}


@pytest.mark.parametrize("view", VIEWS)
def test_axe(served_shop: ServerDoor, visit: Visit, view: str) -> None:
    """axe finds nothing serious in the view, light or dark."""
    page = visit(served_shop, reduced_motion="reduce").open_fully(VIEWS[view])
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert serious_violations(page) == [], theme
