"""The configuration of `dg plus`."""

import stat
from pathlib import Path

import pytest

from dagscope.cli.plus.plus_config import ConfigUnusable, PlusConfig, checked_url, read_config, write_config

TOML = """\
# my settings
[cli.telemetry]
enabled = false # no thanks

[cli.plus]
url = "http://old:1"
organization = "acme"
user_token = "old"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any configuration."""
    for name in ("DG_CLI_CONFIG", "DAGSTER_CLOUD_CLI_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("URL", "ORGANIZATION", "DEPLOYMENT", "API_TOKEN"):
        monkeypatch.delenv(f"DAGSTER_CLOUD_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def put(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_nothing_configured(home: Path) -> None:
    """Without any configuration, the spec's message says what to do."""
    with pytest.raises(ConfigUnusable) as caught:
        read_config()
    assert str(caught.value) == (
        "`dg plus` commands require authentication with Dagster Plus. Run `dg plus login` to authenticate."
    )


@pytest.mark.parametrize(
    ("config", "url"),
    [
        (PlusConfig(url="http://127.0.0.1:8080", organization="acme"), "http://127.0.0.1:8080/acme/graphql"),
        (PlusConfig(url="http://127.0.0.1:8080/"), "http://127.0.0.1:8080/graphql"),
        (PlusConfig(url="http://h/dagster", organization="a b/c"), "http://h/dagster/a%20b%2Fc/graphql"),
        (PlusConfig(organization="acme"), "https://dagster.cloud/acme/graphql"),
    ],
)
def test_graphql_url(config: PlusConfig, url: str) -> None:
    """The address is {url}/{organization}/graphql, or {url}/graphql without an organization."""
    assert config.graphql_url == url


def test_headers() -> None:
    """The headers are the spec's, and those without a value are not sent."""
    assert PlusConfig("http://h", "acme", "prod", "t").headers == {
        "Dagster-Cloud-Api-Token": "t",
        "Dagster-Cloud-Organization": "acme",
        "Dagster-Cloud-Deployment": "prod",
    }
    assert PlusConfig("http://h").headers == {}


@pytest.mark.parametrize("variable", [None, "DG_CLI_CONFIG", "XDG_CONFIG_HOME"])
def test_dg_toml(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    """The table cli.plus of dg.toml is read from where Dagster's dg stores it."""
    file = put(home / (".config/dg.toml" if variable is None else "other/dg.toml"), TOML)
    if variable is not None:
        monkeypatch.setenv(variable, str(file if variable == "DG_CLI_CONFIG" else file.parent))
    assert read_config() == PlusConfig("http://old:1", "acme", "", "old")


@pytest.mark.parametrize("variable", [None, "DAGSTER_CLOUD_CLI_CONFIG"])
def test_cloud_config(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
    """The older file of dagster-cloud is read if it exists."""
    text = "organization: acme\ndefault_deployment: prod\nuser_token: t\nagent_timeout: 60\n"
    file = put(home / (".dagster_cloud_cli/config" if variable is None else "mine.yaml"), text)
    if variable is not None:
        monkeypatch.setenv(variable, str(file))
    assert read_config() == PlusConfig("", "acme", "prod", "t")


def test_both_files(home: Path) -> None:
    """Two configurations are refused with the message of Dagster's own dg."""
    dg = put(home / ".config/dg.toml", TOML)
    cloud = put(home / ".dagster_cloud_cli/config", "organization: acme\n")
    with pytest.raises(ConfigUnusable) as caught:
        read_config()
    assert str(caught.value) == (
        f"Found Dagster Plus config in both {dg} and {cloud}. Please consolidate your config files."
    )


def test_environment_wins(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables take precedence over the file, and work without one."""
    for name, value in {"URL": "http://h:2", "ORGANIZATION": "o", "DEPLOYMENT": "d", "API_TOKEN": "t"}.items():
        monkeypatch.setenv(f"DAGSTER_CLOUD_{name}", value)
    assert read_config() == PlusConfig("http://h:2", "o", "d", "t")
    put(home / ".config/dg.toml", TOML)
    assert read_config() == PlusConfig("http://h:2", "o", "d", "t")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[cli", "{file} cannot be read: Expected ']' at the end of a table declaration (at end of document)"),
        ("", "`dg plus` commands require authentication with Dagster Plus. Run `dg plus login` to authenticate."),
        (
            "[cli]\nplus = 3\n",
            "`dg plus` commands require authentication with Dagster Plus. Run `dg plus login` to authenticate.",
        ),
    ],
)
def test_unusable_file(home: Path, text: str, reason: str) -> None:
    """An unusable file is an error that names the file or says what to do."""
    file = put(home / ".config/dg.toml", text)
    with pytest.raises(ConfigUnusable) as caught:
        read_config()
    assert str(caught.value) == reason.format(file=file)


def test_write(home: Path) -> None:
    """A login is stored for its owner only, and read back."""
    config = PlusConfig("http://h", "acme", "prod", "secret")
    path = write_config(config)
    assert path == home / ".config" / "dg.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_config() == config


def test_write_keeps_the_rest(home: Path) -> None:
    """Other contents of the file, including comments, are kept, and values that are empty now are deleted."""
    file = put(home / ".config/dg.toml", TOML)
    file.chmod(0o644)
    write_config(PlusConfig("http://new:2", "", "prod", ""))
    assert file.read_text(encoding="utf-8") == (
        "# my settings\n[cli.telemetry]\nenabled = false # no thanks\n\n"
        '[cli.plus]\nurl = "http://new:2"\ndefault_deployment = "prod"\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_write_through_a_link(home: Path) -> None:
    """A dg.toml that is a symbolic link stays one."""
    file = put(home / "dotfiles/dg.toml", TOML)
    (home / ".config").mkdir()
    (home / ".config/dg.toml").symlink_to(file)
    write_config(PlusConfig("http://new:2"))
    assert (home / ".config/dg.toml").is_symlink()
    assert 'url = "http://new:2"' in file.read_text(encoding="utf-8")


def test_write_where_the_cloud_config_is(home: Path) -> None:
    """A user's older file stays in use: no second file is created."""
    file = put(home / ".dagster_cloud_cli/config", "organization: old\nagent_timeout: 60\n")
    write_config(PlusConfig("http://h", "acme", "prod", "t"))
    assert not (home / ".config/dg.toml").exists()
    assert read_config() == PlusConfig("http://h", "acme", "prod", "t")
    assert "agent_timeout: 60" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "url", ["", "8080", "127.0.0.1:8080", "ftp://h", "file:///etc", "http://", "http://a b", "http://[1"]
)
def test_bad_url(url: str) -> None:
    """Anything but an HTTP address is refused."""
    with pytest.raises(ConfigUnusable) as caught:
        checked_url(url)
    assert str(caught.value) == f"the url must look like http://127.0.0.1:8080, found {url!r}"
