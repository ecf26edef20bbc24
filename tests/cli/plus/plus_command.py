"""Run `dg` as a user would, in this process or in its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dagscope.cli.dg import main

DG = str(Path(sys.executable).with_name("dg"))


@dataclass
class Dg:
    """`dg` with its own configuration."""

    home: Path
    patch: pytest.MonkeyPatch

    def configure(self, **values: str) -> None:
        """Write the configuration; `url`, `organization`, `default_deployment`, `user_token`."""
        lines = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        (self.home / "dg.toml").write_text(f"[cli.plus]\n{lines}", encoding="utf-8")

    def __call__(self, *arguments: str, input: str | None = None) -> Result:  # noqa: A002  click's name
        """Run it in this process."""
        return CliRunner().invoke(main, arguments, input=input, prog_name="dg")

    def events(self, *arguments: str) -> Result:
        return self("plus", "api", "run", "events", *arguments)

    def process(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it as a process."""
        pipe = subprocess.PIPE
        return subprocess.Popen([DG, *arguments], stdout=pipe, stderr=pipe, text=True, env=dict(os.environ))


def make_dg(home: Path, patch: pytest.MonkeyPatch) -> Dg:
    """A `dg` that does not see this machine's configuration."""
    for name in ("URL", "ORGANIZATION", "DEPLOYMENT", "API_TOKEN"):
        patch.delenv(f"DAGSTER_CLOUD_{name}", raising=False)
    patch.setenv("HOME", str(home))
    patch.setenv("DG_CLI_CONFIG", str(home / "dg.toml"))
    patch.setenv("DAGSTER_CLOUD_CLI_CONFIG", str(home / "none"))
    return Dg(home, patch)
