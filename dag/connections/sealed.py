"""The connections of a bundle, which have no databases (docs/bundles.md)."""

from collections.abc import Hashable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

from dagscope.dag.connections.base import Connection, ConnectionDetails, Session
from dagscope.dag.connections.materializations import Materializations
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.events.statements import ProfileNode, StatementLog
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed
from dagscope.dag.model.file_shapes import Keys


class SealedConnection(Connection):
    """A connection that never opens a database; it knows the SQL of its engine."""

    engine: ClassVar[str] = ""
    Config: ClassVar[type[Keys]] = Keys

    def __init__(self, name: str, engine: type[Connection]) -> None:
        super().__init__(name)
        self._engine = engine
        self.engine = engine.engine  # type: ignore[misc]  # that of its engine's class
        self.has_keys = engine.has_keys  # type: ignore[misc]  # as well
        self.has_profiles = engine.has_profiles  # type: ignore[misc]  # as well

    @classmethod
    def from_config(cls, name: str, config: Keys, folder: Path) -> Self:
        raise NotImplementedError("made from an engine")

    @property
    def materializations(self) -> Materializations:  # type: ignore[override]  # those of its engine
        return self._engine.materializations

    @property
    def is_open(self) -> bool:
        return False

    @property
    def details(self) -> ConnectionDetails:
        return ConnectionDetails()

    @property
    def identity(self) -> Hashable:
        return self

    @property
    def secrets(self) -> frozenset[str]:
        return frozenset()

    @property
    def taken_schemas(self) -> frozenset[str]:
        return frozenset()

    def connect(self) -> None:
        self._refuse()

    def close(self) -> None:
        pass  # it is never open

    def session(
        self,
        cancellation: Cancellation | None = None,  # noqa: ARG002  as of any connection
        statements: StatementLog | None = None,  # noqa: ARG002
    ) -> AbstractContextManager[Session]:
        self._refuse()

    def profile_tree(self, profile: Any) -> ProfileNode | None:
        return self._engine.profile_tree(self, profile)

    def relations(self, cancellation: Cancellation | None = None) -> dict[str, RelationKind]:  # noqa: ARG002
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConnectionFailed(self.name, "a bundle has no databases; ask in the project that it was made of")
