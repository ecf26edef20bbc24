"""Fixtures of the command-line tests."""

from pathlib import Path

import pytest

from tests.cli.plus.plus_command import Dg, make_dg


@pytest.fixture
def dg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dg:
    """A `dg` without any configuration."""
    return make_dg(tmp_path, monkeypatch)
