"""`dg`: Dagster's command, as far as dagscope serves it (docs/run-events.md). Imports neither server nor storage."""

import click

from dagscope.cli.plus.commands import plus


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.version_option(package_name="dagscope", prog_name="dg")
def main() -> None:
    """Query runs on a dagscope or Dagster server."""


main.add_command(plus)
