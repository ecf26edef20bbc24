"""Short rounds of `make fuzz`."""

from pathlib import Path

import pytest

from tests.fuzz import drawn_requests, forged_logs, loads, row_pairs


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_mutated_projects(tmp_path: Path) -> None:
    """Whatever its files contain, a project quickly loads, or its problems are reported with their paths."""
    assert [fault for fault in loads.faults(tmp_path, seed=1, projects=150) if fault] == []


@pytest.mark.slow
def test_row_pairs(tmp_path: Path) -> None:
    """The rows that two captured tables differ by are counted and listed as the database does, for all of its types."""
    assert list(row_pairs.faults(row_pairs.DUCK, tmp_path, 1, pairs=60)) == []


@pytest.mark.postgres
@pytest.mark.slow
def test_row_pairs_of_postgres(tmp_path: Path, postgres: dict[str, str]) -> None:
    """The same for PostgreSQL."""
    assert list(row_pairs.faults(row_pairs.POSTGRESQL, tmp_path, 1, pairs=60, config=postgres)) == []


@pytest.mark.server
def test_forged_logs(tmp_path: Path) -> None:
    """Whatever is logged is one entry, one line of the console and one message of the stream, and exactly itself."""
    assert list(forged_logs.faults(tmp_path, seed=1, count=300)) == []


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_drawn_requests(tmp_path: Path) -> None:
    """Whatever is sent to an endpoint, valid or not, the answer is one that the OpenAPI document describes."""
    faults = list(drawn_requests.faults(tmp_path, seed=1, requests=5))
    assert not faults, "\n".join(faults)
