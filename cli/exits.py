"""How commands end, and the words they end with. Imports nothing heavy: `dg` shares it."""

import sys
from typing import NoReturn

import click

from dagscope.dag.ground.terminal_text import shown_lines

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
"""What was asked for failed; a wrong project or usage; stopped with Ctrl-C."""


def fail(message: str, code: int = EXIT_USAGE) -> NoReturn:
    """Print the message to standard error and exit."""
    click.echo(shown_lines(message), err=True)
    sys.exit(code)


def counted(count: int, thing: str, things: str | None = None) -> str:
    """`1 asset`, `2 assets`; `things` where the plural takes more than an s."""
    return f"{count} {thing}" if count == 1 else f"{count} {things or thing + 's'}"
