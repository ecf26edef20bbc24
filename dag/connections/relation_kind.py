"""What stands under a name in a database."""

from enum import StrEnum


class RelationKind(StrEnum):
    """A table or a view; an engine counts its other kinds as one of them."""

    TABLE = "table"
    VIEW = "view"
