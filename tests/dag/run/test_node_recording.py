"""What the execution of an asset leaves, so that it can be compared with another one."""

import platform
from pathlib import Path

import duckdb
import pytest

from dagscope.dag.events.events import NodeRecorded
from dagscope.dag.events.node_records import NodeRecord, RecordedColumn, same_data
from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.ground.frame_files import FrameFiles
from tests.dag.run.task_run import MakeProject, Run, RunProject, data_test, run_once
from tests.projects import CONFIG, block, model, raw

ROWS = "SELECT range AS id, 'x' || range AS name FROM range(3)"


def record(run: Run, asset: str) -> NodeRecord:
    (found,) = (event.record for event in run.events if isinstance(event, NodeRecorded) and event.asset == asset)
    return found


def test_a_table(make_project: MakeProject, run_project: RunProject) -> None:
    """A table leaves its code, its engine with what config.yaml sets, its columns, its rows and what it read."""
    run = run_project(
        make_project(
            {
                model("s.a"): ROWS,
                model("s.b"): 'SELECT id FROM {{ Ref("s.a") }} WHERE id < 2',
            }
        )
    )
    a, b = record(run, "s.a"), record(run, "s.b")
    assert (a.code.source, a.code.sql) == (ROWS, ROWS)
    assert (b.code.source, b.code.sql) == (
        'SELECT id FROM {{ Ref("s.a") }} WHERE id < 2',
        "SELECT id FROM s.a WHERE id < 2",
    )
    assert a.columns == (RecordedColumn("id", "BIGINT"), RecordedColumn("name", "VARCHAR"))
    assert (a.rows, b.rows, a.note) == (3, 2, "")
    assert a.engine == f"duckdb {duckdb.__version__}"
    assert '"path":' in a.settings
    assert b.upstreams == {"s.a": a.fingerprint}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("VALUES (1, 'a'), (2, 'b')", "VALUES (2, 'b'), (1, 'a')", True),
        ("VALUES (1), (1)", "VALUES (1)", False),
        ("VALUES (1, NULL)", "VALUES (NULL, 1)", False),
        ("SELECT NULL::INTEGER[] AS a", "SELECT []::INTEGER[] AS a", False),
        ("SELECT [NULL]::INTEGER[] AS a", "SELECT []::INTEGER[] AS a", False),
        ("SELECT 1 AS dagscope_row, 2 AS b", "SELECT 1 AS dagscope_row, 3 AS b", False),
        ("SELECT 1 AS a WHERE false", "SELECT 1 AS a", False),
    ],
)
def test_fingerprints(make_project: MakeProject, run_project: RunProject, one: str, other: str, same: bool) -> None:
    """Fingerprints of the same rows are equal, whatever the order; those of other rows differ."""
    run = run_project(make_project({model("s.a"): one, model("s.b"): other}))
    assert same_data(record(run, "s.a").fingerprint, record(run, "s.b").fingerprint) is same


def test_fingerprints_that_are_not_compared() -> None:
    """Whether rows are the same is unknown between engines, and of results whose fingerprint depends on the order."""
    assert same_data("duckdb 1.4 3:0a", "duckdb 1.4 3:0b") is False
    assert same_data("duckdb 1.4 3:0a", "duckdb 1.5 3:0a") is None
    assert same_data("frame 0a", "frame 0b") is None
    assert same_data("frame 0a", "frame 0a") is True
    assert same_data(None, None) is None


def test_kinds_of_assets(make_project: MakeProject, run_project: RunProject) -> None:
    """A view is not executed for its record; of an incremental table all rows count; raw assets leave their result."""
    run = run_project(
        make_project(
            {
                model("s.view"): block("materialization: view") + ROWS,
                model("s.more"): block("materialization: incremental") + ROWS,
                model("s.own"): block("materialization: custom") + f"CREATE OR REPLACE TABLE s.own AS {ROWS}",
                model("s.none"): block("materialization: custom") + "SELECT 1",
                raw("s.raw"): "def execute(context):\n    return {'a': 1}\n",
            }
        )
    )
    view, more, own, none, python = (record(run, f"s.{name}") for name in ("view", "more", "own", "none", "raw"))
    assert (len(view.columns or ()), view.rows, view.fingerprint) == (2, None, None)
    assert more.rows == own.rows == 3
    assert same_data(more.fingerprint, own.fingerprint)
    assert (none.columns, none.fingerprint, none.note) == (None, None, "")
    assert python.engine == f"python {platform.python_version()}"
    assert python.code.source.startswith("def execute")
    assert (python.fingerprint or "").startswith("frame ")


def test_what_fails(make_project: MakeProject, run_project: RunProject) -> None:
    """An asset that fails leaves the code that failed; one that is skipped leaves nothing."""
    run = run_project(make_project({model("s.a"): "SELECT nothing", model("s.b"): 'SELECT * FROM {{ Ref("s.a") }}'}))
    assert (record(run, "s.a").code.sql, record(run, "s.a").columns) == ("SELECT nothing", None)
    assert run.facts("s.b").record is None


def test_secrets(make_project: MakeProject, run_project: RunProject) -> None:
    """Secrets are hidden in what is stored of code and settings."""
    secret = "SELECT 'host=db password=hunter2' AS a"
    found = record(run_project(make_project({model("s.a"): secret})), "s.a")
    assert "hunter2" not in found.code.source + found.code.sql


def test_data_tests(make_project: MakeProject, run_project: RunProject) -> None:
    """The result of a data test comes with what was run."""
    sql = 'SELECT * FROM {{ Ref("s.a") }} WHERE id > 1'
    tests = block("tests:\n  - name: few")
    run = run_project(make_project({model("s.a"): tests + ROWS, data_test("s.few"): sql}))
    code = run.data_test("s.few").code
    assert code is not None
    assert (code.source, code.sql) == (sql, "SELECT * FROM s.a WHERE id > 1")


@pytest.mark.parametrize(
    ("project", "stage", "of_model", "kept"),
    [
        ("", "", "", 3),
        ("capture: framed\n", "", "", None),
        ("capture: framed\n", "capture: rows 2", "", 2),
        ("capture: framed\n", "capture: rows 2", "capture: all", 3),
        ("", "", "capture: rows 1", 1),
        ("", "", "is_data_framed: true", None),
    ],
)
def test_capture(
    make_project: MakeProject, run_project: RunProject, project: str, stage: str, of_model: str, kept: int | None
) -> None:
    """A model says how many of its rows are captured, else its stage, else the project; a frame is not kept twice."""
    of_stage = f"name: p\nconnection: duck\nmodels:\n  stages:\n    - name: s\n      {stage or 'models:'}\n"
    files = {"profile.yaml": of_stage, model("s.a"): block(of_model) + ROWS}
    if project:
        files["config.yaml"] = project + CONFIG
    run = run_project(make_project(files))
    found = record(run, "s.a")
    assert found.note == ""
    assert (found.captured.rows if found.captured else None, found.is_whole) == (kept, kept == 3)
    if found.captured is not None:
        rows = run.frames.read(found.captured.digest)
        assert rows.to_pylist() == [{"id": number, "name": f"x{number}"} for number in range(found.captured.rows)]


def test_views_are_captured_on_demand(make_project: MakeProject, run_project: RunProject) -> None:
    """The rows of a view are captured, and have a fingerprint, if someone asks for them."""
    view = block("materialization: view\ncapture: rows 2")
    found = record(run_project(make_project({model("s.a"): view + ROWS})), "s.a")
    assert (found.captured.rows if found.captured else None, found.rows, found.is_whole) == (2, 3, False)
    assert found.fingerprint is not None


def test_rows_that_cannot_be_captured(make_project: MakeProject, tmp_path: Path) -> None:
    """An asset whose rows cannot be captured succeeds, and its record says why they are missing."""
    frames = FrameFiles(tmp_path / "small", most_bytes=100)
    run = run_once(frames, make_project({model("s.a"): ROWS}))
    found = record(run, "s.a")
    assert run.state("s.a") == "SUCCESS"
    assert found.captured is None
    assert found.note == "the captured result has more than 100 bytes, the limit that DAGSCOPE_FRAME_BYTES sets"


def test_an_unknown_capture(make_project: MakeProject) -> None:
    """A capture that nothing is known of is a problem of the file that says so."""
    with pytest.raises(ProjectInvalid) as invalid:
        make_project({model("s.a"): block("capture: row 5") + ROWS})
    assert [str(problem) for problem in invalid.value.problems] == [
        'assets/models/s/a.sql:2: "capture" must be framed, all, or rows and a number, such as rows 500'
    ]
