"""`dg plus`, and `dagscope plus` for those who have Dagster's `dg` on their path (docs/run-events.md).

Imports neither server nor storage, and nothing heavy before a command runs: `dg --help` answers at once.
"""

import sys

import click
from click.core import ParameterSource


@click.group()
def plus() -> None:
    """Ask a dagscope server, or a Dagster one."""


@plus.group()
def api() -> None:
    """Ask the server's API."""


@api.group()
def run() -> None:
    """Ask about runs."""


@run.command()
@click.argument("run_id", metavar="RUN_ID")
@click.option(
    "--type",
    "event_type",
    metavar="TYPES",
    help="Only events of these types, comma-separated (STEP_SUCCESS,STEP_FAILURE).",
)
@click.option("--step", "step_key", metavar="TEXT", help="Only events of steps whose key holds this text.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="At most so many events after filtering; with --follow all if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else.")
@click.option("--follow", is_flag=True, help="Go on with new events until the run ends.")
@click.option(
    "--after", metavar="CURSOR", help='Begin after this cursor ("" is the beginning); JSON then has `cursor`.'
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
@click.option("--url", metavar="URL", help="The server, such as http://127.0.0.1:8080.")
@click.option("--organization", metavar="NAME", help='The organization; "" for none.')
@click.option("--deployment", metavar="NAME", help='The deployment; "" for none.')
@click.option(
    "--token", metavar="TOKEN", help="The API token; others can see it here: better leave it out and be asked."
)
def login(url: str | None, organization: str | None, deployment: str | None, token: str | None) -> None:
    """Check who to ask, and remember it.

    Asks for what is not given. Written where Dagster's own dg keeps it: the table cli.plus of dg.toml.

    \b
    Examples:
      dg plus login
      dg plus login --url http://127.0.0.1:8080 --organization "" --deployment ""
    """
    from dagscope.cli.plus.login_command import log_in

    sys.exit(log_in(url, organization, deployment, token))
