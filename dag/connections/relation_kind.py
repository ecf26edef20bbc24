"""The kinds of relations in a database."""

from enum import StrEnum


class RelationKind(StrEnum):
    """A table or a view; an engine maps its other kinds to one of them."""

    TABLE = "table"
    VIEW = "view"
