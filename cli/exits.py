"""Exit codes, and the messages that commands exit with. Imports nothing heavy: `dg` uses it too."""

import sys
from typing import NoReturn

import click

from dagscope.dag.ground.terminal_text import shown_lines

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
"""The operation failed; the project or the usage is invalid; stopped with Ctrl-C."""


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Print the message to standard error and exit."""
    click.echo(shown_lines(message), err=True)
    sys.exit(code)


def counted(count: int, thing: str, things: str | None = None) -> str:
    """`1 asset`, `2 assets`; `things` is the plural if it is not just `thing` with an s."""
    return f"{count} {thing}" if count == 1 else f"{count} {things or thing + 's'}"
