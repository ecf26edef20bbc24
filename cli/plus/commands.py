"""`dg plus`, and `dagscope plus` for users who have Dagster's `dg` on their path (docs/run-events.md).

Imports neither server nor storage, and nothing heavy until a command runs, so that `dg --help` is fast.
"""

import sys

import click
from click.core import ParameterSource


@click.group()
def plus() -> None:
    """Query a dagscope or Dagster server."""


@plus.group()
def api() -> None:
    """Query the server's API."""


@api.group()
def run() -> None:
    """Query runs."""


@run.command()
@click.argument("run_id", metavar="RUN_ID")
@click.option(
    "--type",
    "event_type",
    metavar="TYPES",
    help="Only events of these types, comma-separated (STEP_SUCCESS,STEP_FAILURE).",
)
@click.option("--step", "step_key", metavar="TEXT", help="Only events of steps whose key contains this text.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Maximum number of events after filtering. With --follow, the default is all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else.")
@click.option("--follow", is_flag=True, help="Keep printing new events until the run ends.")
@click.option(
    "--after", metavar="CURSOR", help='Start after this cursor ("" is the beginning). The JSON then has `cursor`.'
)
@click.pass_context
def events(
    context: click.Context,
    run_id: str,
    event_type: str | None,
    step_key: str | None,
    limit: int,
    as_json: bool,
    follow: bool,
    after: str | None,
) -> None:
    """Print the events of the run RUN_ID.

    \b
    Examples:
      dg plus api run events task_20260102_030405
      dg plus api run events task_20260102_030405 --type STEP_FAILURE --json
      dg plus api run events nightly --step dds. --follow
    """
    from dagscope.cli.plus.run_event_query import Wanted
    from dagscope.cli.plus.run_events_command import EventsOptions, show_events

    is_default = context.get_parameter_source("limit") is ParameterSource.DEFAULT
    wanted = Wanted(event_type, step_key, None if follow and is_default else limit)
    sys.exit(show_events(run_id, EventsOptions(wanted, as_json, follow, after)))


@plus.command()
@click.option("--url", metavar="URL", help="The address of the server, such as http://127.0.0.1:8080.")
@click.option("--organization", metavar="NAME", help='The organization; "" for none.')
@click.option("--deployment", metavar="NAME", help='The deployment; "" for none.')
@click.option(
    "--token", metavar="TOKEN", help="The API token. Other users can see it here: prefer to enter it when asked."
)
def login(url: str | None, organization: str | None, deployment: str | None, token: str | None) -> None:
    """Check the server and the token, and store them for later commands.

    Asks for the values that are not given. Stores them where Dagster's own dg does, in the table cli.plus of dg.toml.

    \b
    Examples:
      dg plus login
      dg plus login --url http://127.0.0.1:8080 --organization "" --deployment ""
    """
    from dagscope.cli.plus.login_command import log_in

    sys.exit(log_in(url, organization, deployment, token))
