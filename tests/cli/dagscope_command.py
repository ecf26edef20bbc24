"""Run `dagscope` as a user would, in its own process or in this one."""

import re
import subprocess
from pathlib import Path

from click.testing import CliRunner, Result

from dagscope.cli.dagscope import main
from tests.doors import DAGSCOPE


def dagscope(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    return subprocess.run([DAGSCOPE, *arguments], capture_output=True, text=True, cwd=cwd, timeout=60)


def dagscope_here(*arguments: str) -> Result:
    """Run it in this process, without a start. For commands that end before anything is run or served."""
    return CliRunner().invoke(main, arguments, prog_name="dagscope")


def without_times(text: str) -> str:
    """The output with every duration as `0.0s`."""
    return re.sub(r"\d+\.\d+s", "0.0s", text)
