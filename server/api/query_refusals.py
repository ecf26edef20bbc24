"""Refusing what has to do with a query that is taken apart, or followed."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.project.project import Project
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.http.answers import Refused, unread
from dagscope.server.http.shapes.about import Error


@contextmanager
def query_refusals(project: Project, failed: str) -> Iterator[None]:
    """Refuses what the block raises: a query as `QueryRefused` says, anything else with `failed` and the reason."""
    try:
        yield
    except QueryRefused as error:
        raise Refused(error.status_code, Error(error=error.message, details=error.details)) from error
    except DagscopeError as error:
        raise Refused(unread(error), Error(error=failed, details=project.redaction.text(str(error)))) from error
