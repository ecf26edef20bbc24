"""The query of an asset or a data test as the next run sends it, and where its parts are in the file."""

from dagscope.dag.connections import Connection, RelationKind
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.query_parsing import QueryNotParsed
from dagscope.dag.model.template_places import TemplatePlaces
from dagscope.dag.model.templates import TaskValues, Template
from dagscope.dag.project.project import Project

_WITHOUT_QUERY = {
    Materialization.RAW: "it is a raw asset, written in Python",
    Materialization.CUSTOM: "it is a custom asset, whose statements run unchanged and may write",
}


class QueryRefused(DagscopeError):
    """A query that cannot be taken apart, or what is asked of it does not exist; `details` say why."""

    def __init__(self, message: str, details: str, status_code: int = 400) -> None:
        self.message, self.details, self.status_code = message, details, status_code
        super().__init__(f"{message}: {details}")


def template_of(node: Asset | DataTest) -> Template:
    """The template of its query. Raises `QueryRefused` if it has none."""
    if isinstance(node, Asset) and node.materialization in _WITHOUT_QUERY:
        raise QueryRefused(f'"{node.name}" has no query to take apart', _WITHOUT_QUERY[node.materialization])
    assert node.template is not None
    return node.template


class NodeQuery:
    """The query, without a run's own values. Raises `QueryRefused`, or what reading the database raises."""

    def __init__(self, project: Project, node: Asset | DataTest, cancellation: Cancellation) -> None:
        self._project, self._node = project, node
        template = template_of(node)
        self.connection: Connection = project.connections[node.connection]
        self.sql = self._rendered(cancellation)
        self.places = TemplatePlaces(template, self.sql)

    def _rendered(self, cancellation: Cancellation) -> str:
        if isinstance(self._node, DataTest):
            return self._project.test_sql(self._node, TaskValues())
        appends = False
        if self._node.materialization is Materialization.INCREMENTAL and not self._project.is_of_bundle:
            with self.connection.queries(cancellation) as session:
                appends = session.relation_kind(self._node.name) is RelationKind.TABLE
        return self._project.asset_sql(self._node, TaskValues(), incremental=appends)

    @property
    def grammar(self) -> str:
        """sqlglot's name of its SQL."""
        found = self.connection.dialect.grammar
        if found is None:
            raise QueryRefused(self._refusal, f"the SQL of {self._node.connection_type} is not known")
        return found

    def refused(self, error: QueryNotParsed) -> QueryRefused:
        """The refusal of a query that cannot be parsed, with the place in its file."""
        return QueryRefused(self._refusal, self._project.redaction.text(self._located(error)))

    @property
    def _refusal(self) -> str:
        return f'The query of "{self._node.name}" cannot be taken apart'

    def _located(self, error: QueryNotParsed) -> str:
        path = self._node.path
        if error.place is None:
            return f"{path}: {error.reason}"
        place = self.places.in_file(error.place)
        if place is not None:
            return f"{path}:{place.line}:{place.column}: {error.reason}"
        return f"{path}: line {error.place.line}, column {error.place.column} of its SQL: {error.reason}"
