"""The context that resolvers work with."""

from dataclasses import dataclass
from typing import TypeVar

from strawberry import UNSET, Info

from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.reader import Reader


@dataclass(frozen=True)
class GraphQLContext:
    """The context of one request."""

    workspace: Workspace

    @property
    def reader(self) -> Reader:
        return self.workspace.reader

    @property
    def debug(self) -> bool:
        return self.workspace.settings.debug


GraphQLInfo = Info[GraphQLContext, None]

Value = TypeVar("Value")


def given(argument: Value | None) -> Value | None:
    """An argument's value; None if it was left out, for which Strawberry has a value of its own."""
    return None if argument is UNSET else argument
