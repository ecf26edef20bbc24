"""`dagscope serve` as Teal's server, as a user types it (docs/teal.md)."""

from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope
from tests.doors import Serve
from tests.projects import model, write_files

pytestmark = pytest.mark.server

FAILING = {model("dds.world"): 'SELECT greeting, -1 AS count FROM {{ Ref("staging.hello") }}'}
TESTS = "connection: memory_duck\nmodels:\n  stages:\n    - name: staging\n    - name: dds\n      models:\n"
PROFILE = (
    f"version: '1.0.0'\nname: hello-world\n{TESTS}        - {{name: world, tests: [{{name: test_world_count}}]}}\n"
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--teal-ui", "ui"), "--teal-ui: Teal's UI reads answers in Teal's shapes; add --dialect teal-v1\n"),
        (
            ("--teal-ui", "ui", "--dialect", "teal-v1"),
            "--teal-ui: ui has no index.html; name the folder of the UI's built files\n",
        ),
    ],
)
def test_a_ui_that_cannot_be_served(hello: Path, options: tuple[str, ...], message: str) -> None:
    """A folder without the UI, or a UI without its dialect, is refused in one line."""
    refused = dagscope("serve", "--port", "0", *options, cwd=hello)
    assert (refused.returncode, refused.stderr) == (2, message)


def test_a_run_on_such_a_server(hello: Path, serve: Serve) -> None:
    """`dagscope run` on a server that answers as Teal does shows the task as on any other."""
    server = serve(write_files(hello, FAILING | {"profile.yaml": PROFILE}), "--dialect", "teal-v1")
    ran = dagscope("run", "--task-id", "t", cwd=hello)
    assert (ran.returncode, "dds.world      FAILED" in ran.stdout) == (1, True)
    assert server.get("/api/dag/status/t").json()["status"] == "TESTS_FAILED"


@pytest.mark.parametrize(("options", "status"), [((), "TESTS_FAILED"), (("--fail-on-tests",), "FAILED")])
def test_fail_on_tests(hello: Path, serve: Serve, options: tuple[str, ...], status: str) -> None:
    """With `--fail-on-tests`, downstreams of an asset whose tests failed are skipped in this dialect too."""
    files = FAILING | {"profile.yaml": PROFILE, model("dds.last"): 'SELECT * FROM {{ Ref("dds.world") }}'}
    server = serve(write_files(hello, files), "--dialect", "teal-v1", *options)
    assert server.run("t").json()["status"] == status
