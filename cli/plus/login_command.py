"""`dg plus login`."""

import click

from dagscope.cli.exits import EXIT_FAILED
from dagscope.cli.plus.graphql_client import GraphQLClient, QueryFailed
from dagscope.cli.plus.plus_config import ConfigUnusable, PlusConfig, checked_url, stored_config, write_config
from dagscope.dag.ground.terminal_text import shown

_LOCAL_URL = "http://127.0.0.1:8080"


def log_in(url: str | None, organization: str | None, deployment: str | None, token: str | None) -> int:
    """Ask for the values that are not given, check them with the server and store them. Returns the exit code.

    Stores nothing if the server refuses them. Raises `click.UsageError` for an invalid value.
    """
    try:
        known = stored_config()
        config = PlusConfig(
            url=checked_url(_asked("URL of the server", url, known.url or _LOCAL_URL)),
            organization=_asked("Organization (may be empty)", organization, known.organization),
            default_deployment=_asked("Deployment (may be empty)", deployment, known.default_deployment),
            user_token=_asked_token(token, known.user_token),
        )
        client = GraphQLClient(config)
    except ConfigUnusable as error:
        raise click.UsageError(str(error)) from error
    try:
        client.execute("query DgPlusLogin { __typename }", {})
        path = write_config(config)
    except QueryFailed as error:
        click.echo(shown(f"Error querying Dagster Plus API: {error}"), err=True)
        return EXIT_FAILED
    except (ConfigUnusable, OSError) as error:
        click.echo(shown(f"The configuration cannot be written: {error}"), err=True)
        return EXIT_FAILED
    click.echo(f"Logged in to {shown(client.url)}. Saved in {shown(str(path))}")
    return 0


def _asked(question: str, given: str | None, default: str) -> str:
    answer = given if given is not None else click.prompt(question, default=default, show_default=bool(default))
    return str(answer).strip()


def _asked_token(given: str | None, known: str) -> str:
    if given is not None:
        return given.strip()
    question = "Token (empty keeps the stored one)" if known else "Token (may be empty)"
    return str(click.prompt(question, default=known, show_default=False, hide_input=True)).strip()
