"""A short round of `make fuzz`."""

from pathlib import Path

import pytest

from tests.fuzz.loads import faults


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_mutated_projects(tmp_path: Path) -> None:
    """Whatever its files contain, a project quickly loads, or its problems are reported with their paths."""
    assert [fault for fault in faults(tmp_path, seed=1, projects=150) if fault] == []
