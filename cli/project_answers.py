"""What a command asks about a project: its server answers if it is being served, else the state is opened here."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlencode

from dagscope.cli.exits import counted, fail
from dagscope.cli.http_client import HttpClient, HttpFailed
from dagscope.cli.loading import loaded, resolved
from dagscope.cli.settings import read_settings
from dagscope.dag.ground.errors import DagscopeError, ProjectInvalid
from dagscope.dag.ground.shapes import Shape
from dagscope.server.http.answers import Refused
from dagscope.server.workspace.workspace import Workspace, open_workspace
from dagscope.storage.state_folder import StateFolder, StateInUse

Answer = TypeVar("Answer", bound=Shape)


def answer_of(
    folder: Path,
    path: str,
    query: dict[str, object],
    shape: type[Answer],
    here: Callable[[Workspace], Awaitable[Answer]],
) -> Answer:
    """The answer of the project's server at the path, or else what `here` returns. Exits if there is none."""
    folder = resolved(folder)
    state = StateFolder.of_project(folder)
    try:
        owner = state.in_use_by()
        if owner is not None and owner.address is not None:
            return _asked(owner, path, query, shape)
        if owner is None and not state.holds_anything():
            fail(f"{folder} has no state; nothing was ever run there")
        return asyncio.run(_found(folder, here))
    except HttpFailed as error:
        fail(str(error))
    except ProjectInvalid as error:
        problems = "\n".join(map(str, error.problems))
        fail(f"{problems}\n{counted(len(error.problems), 'problem')} in {folder}")
    except DagscopeError as error:
        fail(str(error))
    except Refused as error:
        fail(_reason(error.shape.to_json()))


def path_with(*parts: str) -> str:
    """A path of the API. Each part is one segment, whatever it contains."""
    return "".join("/" + quote(part, safe="") for part in parts)


def _asked(owner: StateInUse, path: str, query: dict[str, object], shape: type[Answer]) -> Answer:
    token = os.environ.get("DAGSCOPE_API_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = HttpClient(owner.address or "", headers, through_proxies=False)  # the server is on this machine
    given = {name: value for name, value in query.items() if value is not None}
    answer = client.ask("GET", path + ("?" + urlencode(given) if given else ""))
    text = answer.body.decode("utf-8", "replace")
    if answer.status != 200:
        fail(_reason(text))
    return shape.model_validate_json(text)


def _reason(text: str) -> str:
    """What the body of an error says."""
    try:
        body = json.loads(text)
        return ": ".join(str(body[name]) for name in ("error", "details") if name in body)
    except (ValueError, TypeError, KeyError):
        return f"the server's answer is no JSON object: {text[:80]!r}"


async def _found(folder: Path, here: Callable[[Workspace], Awaitable[Answer]]) -> Answer:
    async with open_workspace(loaded(folder), read_settings({}, {})) as workspace:
        return await here(workspace)
