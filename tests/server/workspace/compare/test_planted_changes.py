"""The causes that are named for changes planted in generated DAGs."""

from pathlib import Path

import pytest

from tests.server.workspace.compare.planted import PLANTS, planted_and_named


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_planted_changes(tmp_path: Path) -> None:
    """The first cause that is named is the planted one, and none is named that was not there."""
    named = list(planted_and_named(tmp_path, seed=1, often=lambda times: 1))
    assert len(named) == len(PLANTS)
    assert [each for each in named if each.strangers or not each.is_right] == []
