"""A project: its checked files as assets, data tests, connections and a graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from dagscope.dag.connections import Connection
from dagscope.dag.ground.errors import LateReference
from dagscope.dag.ground.problems import Problem
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.graph import Graph
from dagscope.dag.model.templates import Rendering, TaskValues, Template, secret_environment
from dagscope.dag.redaction.redaction import Redaction


@dataclass(frozen=True)
class Project:
    """One loaded project; `load_project` creates it, and nothing changes it afterwards.

    `warnings` are problems that do not prevent a run, such as a data test that never runs. `files` are the texts that
    it was loaded from, by path, so that another process can load the same project.
    """

    folder: Path
    name: str
    module: str
    cores: int | None
    connections: Mapping[str, Connection]
    assets: Mapping[str, Asset]
    tests: Mapping[str, DataTest]
    graph: Graph
    warnings: tuple[Problem, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    is_of_bundle: bool = False
    """Whether it is only looked at: it has no databases, and nothing of it is executed."""

    @classmethod
    def without_assets(cls, folder: Path) -> "Project":
        """A project of nothing, named for its folder: what there is before the files in it can be loaded."""
        return cls(folder, folder.name, "", None, connections={}, assets={}, tests={}, graph=Graph({}))

    @property
    def instance_name(self) -> str:
        return f"{self.name}-dag"

    @property
    def root_tests(self) -> tuple[DataTest, ...]:
        return tuple(test for _, test in sorted(self.tests.items()) if test.is_root)

    @cached_property
    def masked_columns(self) -> tuple[str, ...]:
        """The columns that any data test masks."""
        return tuple(sorted({column for test in self.tests.values() for column in test.mask}))

    @cached_property
    def redaction(self) -> Redaction:
        """Hides the secrets of this project's connections and templates, and learns more as statements are sent."""
        redaction = Redaction(secret for connection in self.connections.values() for secret in connection.secrets)
        for template in self._templates():
            redaction.learn(template.source)
            redaction.learn_all(secret_environment(template.source, template.environment))
        return redaction

    def _templates(self) -> Iterator[Template]:
        yield from (asset.template for asset in self.assets.values() if asset.template is not None)
        yield from (test.template for test in self.tests.values())

    def with_open_connections_of(self, other: "Project") -> "Project":
        """This project with the other's connections where they are the same, so that no database is opened twice."""
        kept = {
            name: other.connections[name]
            if name in other.connections and other.connections[name].identity == connection.identity
            else connection
            for name, connection in self.connections.items()
        }
        return self.with_connections(kept)

    def with_connections(self, connections: Mapping[str, Connection]) -> "Project":
        """This project with other connections of the same names."""
        return replace(self, connections=connections)

    def dialect_of(self, node: Asset | DataTest) -> Dialect:
        """The dialect that the SQL of an asset or a data test is written in."""
        return self.connections[node.connection].dialect

    def asset_sql(self, asset: Asset, task: TaskValues, incremental: bool) -> str:
        """A SQL asset's query for one task. Raises `TemplateFailed`, also for a `Ref` that is new in this run."""
        assert asset.template is not None, "a raw asset has no SQL"
        rendering = Rendering(
            relation_of=lambda upstream: self._known_relation(asset, upstream),
            dialect=self.dialect_of(asset),
            task=task,
            this=self.dialect_of(asset).relation(asset.name),
            incremental=incremental,
        )
        if asset.materialization is Materialization.CUSTOM:
            return asset.template.render(rendering)
        return asset.template.render_query(rendering)

    def _known_relation(self, asset: Asset, upstream: str) -> str:
        """What `Ref(upstream)` becomes: the upstream's relation, or its frame persisted in the asset's database."""
        dialect, known = self.dialect_of(asset), _met_at_load(asset.name, upstream, asset.upstreams)
        if asset.persist_inputs and hands_over_frames(self.assets[known]):
            return dialect.input_relation(known)
        return dialect.relation(known)

    def test_sql(self, test: DataTest, task: TaskValues) -> str:
        """A data test's query for one task. Raises `TemplateFailed`, also for a `Ref` that is new in this run."""
        dialect = self.dialect_of(test)

        def relation_of(asset: str) -> str:
            return dialect.relation(_met_at_load(test.name, asset, test.references))

        rendering = Rendering(relation_of=relation_of, dialect=dialect, task=task)
        return test.template.render_query(rendering)


def _met_at_load(reader: str, asset: str, known: tuple[str, ...]) -> str:
    if asset not in known:
        raise LateReference(
            f'"{reader}" refers to "{asset}" only in this run: move the Ref so that it is also evaluated at load'
        )
    return asset


def hands_over_frames(asset: Asset) -> bool:
    """Whether the asset's result is captured for its downstreams."""
    return asset.is_data_framed or asset.is_raw
