"""What a command asks about a project: its server answers if it is being served, else it is read here."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

from dagscope.cli.exits import EXIT_FAILED, EXIT_USAGE, counted, fail
from dagscope.cli.http_client import HttpClient, HttpFailed
from dagscope.cli.loading import loaded, resolved
from dagscope.cli.settings import read_settings
from dagscope.dag.ground.errors import DagscopeError, ProjectInvalid
from dagscope.dag.ground.shapes import Shape
from dagscope.dag.project.project import Project
from dagscope.server.api.node_query import QueryRefused
from dagscope.server.http.answers import Refused
from dagscope.server.workspace.workspace import Workspace, open_workspace
from dagscope.storage.state_folder import StateFolder

Answer = TypeVar("Answer", bound=Shape)
Done = TypeVar("Done")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """What the server of a project is asked: a path of its API with a query, or with a body until it has the answer."""

    path: str
    shape: type[Answer]
    query: Mapping[str, object] = field(default_factory=dict)
    body: Shape | None = None
    nothing: str = ""
    """Why there may be no answer (204)."""


def answer_of(folder: Path, question: Question[Answer], here: Callable[[Workspace], Awaitable[Answer]]) -> Answer:
    """The answer of the project's server, or else what `here` finds in its state. Exits if there is none."""
    return there_or_here(folder, lambda address: _asked(address, question), here)


def there_or_here(folder: Path, there: Callable[[str], Done], here: Callable[[Workspace], Awaitable[Done]]) -> Done:
    """What `there` returns of the address of the project's server, or else `here`. Exits if it was never run."""
    folder = resolved(folder)
    state = StateFolder.of_project(folder)
    try:
        owner = state.in_use_by()
        if owner is not None and owner.address is not None:
            return there(owner.address)
        if owner is None and not state.holds_anything():
            fail(f"{folder} has no state; nothing was ever run there")
        return asyncio.run(_found(folder, here))
    except ProjectInvalid as error:
        problems = "\n".join(map(str, error.problems))
        fail(f"{problems}\n{counted(len(error.problems), 'problem')} in {folder}")
    except DagscopeError as error:
        fail(str(error))
    except Refused as error:
        fail(reason_of(error.shape.to_json()))


def read_answer(
    project: Project, address: str | None, question: Question[Answer], here: Callable[[Project], Answer]
) -> Answer:
    """The answer of the project's server, or else what `here` reads from its databases. Exits if there is none."""
    if address is not None:
        return _asked(address, question)
    os.chdir(project.folder)  # for files that SQL reads by a relative path
    try:
        return here(project)
    except QueryRefused as error:
        fail(str(error))
    except DagscopeError as error:
        fail(project.redaction.text(str(error)), EXIT_FAILED)
    finally:
        for connection in project.connections.values():
            connection.close()


def path_with(*parts: str) -> str:
    """A path of the API. Each part is one segment, whatever it contains."""
    return "".join("/" + quote(part, safe="") for part in parts)


def client_of(address: str) -> HttpClient:
    """A client of the project's server, which is on this machine."""
    token = os.environ.get("DAGSCOPE_API_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return HttpClient(address, headers, through_proxies=False)


def path_and_query(path: str, query: Mapping[str, object]) -> str:
    """The path with what is given of the query; a value can be several."""
    given = {name: value for name, value in query.items() if value is not None}
    return path + ("?" + urlencode(given, doseq=True) if given else "")


def _asked(address: str, question: Question[Answer]) -> Answer:
    client, path = client_of(address), path_and_query(question.path, question.query)
    body = question.body.to_json().encode() if question.body is not None else None
    try:
        while (answer := client.ask("GET" if body is None else "POST", path, body)).status == 202:
            pass  # it answers so after ten seconds; the same request keeps waiting
    except HttpFailed as error:
        fail(str(error))
    if answer.status == 204:
        fail(question.nothing)
    text = answer.body.decode("utf-8", "replace")
    if answer.status != 200:
        fail(reason_of(text), EXIT_FAILED if answer.status >= 500 else EXIT_USAGE)
    return question.shape.model_validate_json(text)


def reason_of(text: str) -> str:
    """What the body of an error says."""
    try:
        body = json.loads(text)
        return ": ".join(str(body[name]) for name in ("error", "details") if name in body)
    except (ValueError, TypeError, KeyError):
        return f"the server's answer is no JSON object: {text[:80]!r}"


async def _found(folder: Path, here: Callable[[Workspace], Awaitable[Done]]) -> Done:
    async with open_workspace(loaded(folder), read_settings({}, {})) as workspace:
        return await here(workspace)
