"""`dg plus login`, and `dg` itself."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.dagscope_command import dagscope_here
from tests.cli.plus.canned_server import canned_server, text
from tests.cli.plus.plus_command import DG, Dg
from tests.doors import Serve

CloudQuery = text('{"data": {"__typename": "CloudQuery"}}')


def login(dg: Dg, url: str, *more: str) -> tuple[int, str, str]:
    result = dg("plus", "login", "--url", url, "--organization", "acme", "--deployment", "prod", "--token", "t", *more)
    return result.exit_code, result.stdout, result.stderr


def test_options(dg: Dg) -> None:
    """Given values are checked with the server, with their headers, and stored for their owner only."""
    with canned_server(CloudQuery) as server:
        code, shown, _ = login(dg, server.url)
    file = dg.home / "dg.toml"
    assert (code, shown) == (0, f"Logged in to {server.url}/acme/graphql. Saved in {file}\n")
    assert server.headers[0]["Dagster-Cloud-Api-Token"] == "t"
    assert file.read_text(encoding="utf-8") == (
        f'[cli.plus]\nurl = "{server.url}"\norganization = "acme"\ndefault_deployment = "prod"\nuser_token = "t"\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_questions(dg: Dg) -> None:
    """Missing values are asked for, the token without an echo, and Enter keeps the stored value."""
    with canned_server(CloudQuery) as server:
        result = dg("plus", "login", input=f"{server.url}\n\nprod\nhunter22\n")
        assert result.exit_code == 0
        assert "hunter22" not in result.output
        assert 'user_token = "hunter22"' in (dg.home / "dg.toml").read_text(encoding="utf-8")
        before = (dg.home / "dg.toml").read_text(encoding="utf-8")
        assert dg("plus", "login", input="\n\n\n\n").exit_code == 0
    assert (dg.home / "dg.toml").read_text(encoding="utf-8") == before
    assert "organization" not in before


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Authentication failed: the API token was refused. Run `dg plus login` to authenticate."),
        (403, "Access denied: not of yours"),
    ],
)
def test_refused(dg: Dg, status: int, message: str) -> None:
    """If the server refuses the login, the command fails and stores nothing."""
    with canned_server(text('{"error": "no", "details": "not of yours"}', status)) as server:
        assert login(dg, server.url) == (1, "", f"Error querying Dagster Plus API: {message}\n")
    assert not (dg.home / "dg.toml").exists()


def test_no_server(dg: Dg) -> None:
    """If no server answers, the command fails and stores nothing."""
    message = (
        "Cannot connect to http://127.0.0.1:9/acme/graphql: Connection refused; "
        "check that the server runs and that its url is right"
    )
    assert login(dg, "http://127.0.0.1:9") == (1, "", f"Error querying Dagster Plus API: {message}\n")
    assert not (dg.home / "dg.toml").exists()


def test_bad_url(dg: Dg) -> None:
    """An invalid address is invalid usage."""
    code, _, errors = login(dg, "nowhere")
    assert code == 2
    assert errors.endswith("Error: the url must look like http://127.0.0.1:8080, found 'nowhere'\n")


def test_against_a_guarded_server(dg: Dg, hello: Path, tmp_path: Path, serve: Serve) -> None:
    """A server with a token, an organization and a deployment accepts the correct login and refuses all others."""
    token_file = tmp_path / "token"
    token_file.write_text("s3cret-token\n", encoding="utf-8")
    options = ("--api-token-file", str(token_file), "--organization", "acme", "--deployment", "prod")
    server = serve(hello, *options)
    refused = "Authentication failed: the API token was refused. Run `dg plus login` to authenticate."
    assert login(dg, server.address) == (1, "", f"Error querying Dagster Plus API: {refused}\n")
    assert login(dg, server.address, "--token", "s3cret-token")[0] == 0
    assert dg.events("x").stderr == "Error querying Dagster Plus API: Run x not found\n"
    dg.patch.setenv("DAGSTER_CLOUD_DEPLOYMENT", "other")
    denied = "Access denied: this server does not belong to the deployment that the request names"
    assert dg.events("x").stderr == f"Error querying Dagster Plus API: {denied}\n"


@pytest.mark.parametrize("content", ["", "\n", "two\nlines", "caf\u00e9"])
def test_token_file_that_is_no_good(hello: Path, tmp_path: Path, content: str) -> None:
    """A token that is not valid in a header is refused before anything is served."""
    file = tmp_path / "token"
    file.write_text(content, encoding="utf-8")
    done = dagscope_here("serve", "--project", str(hello), "--api-token-file", str(file))
    reason = "the token must be one line of printable ASCII characters"
    if not content.strip():
        reason = f"{file} is empty; write the token into it"
    expected = f"--api-token-file: {reason}\n"
    assert (done.exit_code, done.stderr) == (2, expected)


@pytest.mark.parametrize(
    ("options", "environment", "where"),
    [
        (["--organization", "dagster"], {}, "--organization"),
        ([], {"DAGSCOPE_ORGANIZATION": "dagster"}, "DAGSCOPE_ORGANIZATION"),
    ],
)
def test_organization_dagster(
    hello: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], environment: dict[str, str], where: str
) -> None:
    """`dagster` is refused as an organization everywhere, because its path is that of another schema."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = dagscope_here("serve", "--project", str(hello), *options)
    expected = f"{where}: dagster cannot be an organization's name: /dagster/graphql is Dagster's own schema\n"
    assert (done.exit_code, done.stderr) == (2, expected)


def test_token_of_the_environment_that_is_no_good(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is not valid in a header is refused from every source."""
    monkeypatch.setenv("DAGSCOPE_API_TOKEN", "two\nlines")
    done = dagscope_here("serve", "--project", str(hello))
    expected = "DAGSCOPE_API_TOKEN: the token must be one line of printable ASCII characters\n"
    assert (done.exit_code, done.stderr) == (2, expected)


@pytest.mark.server
def test_dg_imports_little(dg: Dg) -> None:
    """`dg` and its commands load neither server nor storage nor any database."""
    code = (
        "import json, sys\n"
        "from click.testing import CliRunner\n"
        "from dagscope.cli.dg import main\n"
        "before = sorted(sys.modules)\n"
        "CliRunner().invoke(main, ['plus', 'api', 'run', 'events', 'x'])\n"
        "CliRunner().invoke(main, ['plus', 'login', '--url', 'http://127.0.0.1:9', '--organization', '',"
        " '--deployment', '', '--token', ''])\n"
        "print(json.dumps([before, sorted(sys.modules)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    at_start, at_end = (
        {name.split(".")[0] for name in json.loads(line)} for line in map(json.dumps, json.loads(done.stdout))
    )
    assert not at_end & {"server", "storage", "duckdb", "pyarrow", "sqlalchemy", "starlette", "strawberry"}
    assert not at_start & {"pydantic", "yaml", "tomlkit", "urllib3", "httpx"}


@pytest.mark.server
def test_dg_starts_quickly() -> None:
    """`dg --help` takes less than a quarter of a second of processor time, however busy the machine is."""
    times = []
    for _ in range(5):
        before = _processor_s_of_children()
        subprocess.run([DG, "--help"], capture_output=True, check=True)
        times.append(_processor_s_of_children() - before)
    assert min(times) < 0.25


def _processor_s_of_children() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system
