"""Statements as people look at them: highlighted, and with their profiles as trees."""

import json
from collections.abc import Iterable
from typing import Any

from pydantic_core import to_json

from dagscope.dag.events.statements import KeptStatements
from dagscope.dag.project.project import Project
from dagscope.server.api.code_lines import LONGEST_CODE, plain_code, sql_lines

_MOST_CODE = 4 * LONGEST_CODE  # characters of one answer that are highlighted


def shown(sent: KeptStatements, project: Project, assets: Iterable[str]) -> KeptStatements:
    """The statements with their `lines`, in which these assets can be references, and `profileTree` for `profile`.

    Takes long for many statements: call it in a thread.
    """
    names, room, texts = tuple(assets), _MOST_CODE, []
    for statement in json.loads(sent.json):
        text = statement["text"]
        lines = sql_lines(text, names) if len(text) <= room else plain_code(text)
        room -= len(text)
        texts.append(f'{_with_tree(statement, project)[:-1]},"lines":{lines}}}')
    return KeptStatements(sent.total, f"[{','.join(texts)}]")


def _with_tree(statement: dict[str, Any], project: Project) -> str:
    connection = project.connections.get(statement["connection"])  # a task may have used one that was removed
    tree = connection.profile_tree(statement["profile"]) if connection and "profile" in statement else None
    if tree is not None:
        del statement["profile"]
        statement["profileTree"] = tree.model_dump(by_alias=True, exclude_none=True)
    return to_json(statement).decode()
