"""A short round of `make fuzz`."""

from pathlib import Path

import pytest

from tests.fuzz.loads import faults


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_mutated_projects(tmp_path: Path) -> None:
    """Whatever a project's files are, it loads, or what is wrong is told with paths; never slowly."""
    assert [fault for fault in faults(tmp_path, seed=1, projects=150) if fault] == []
