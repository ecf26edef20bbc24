"""The SQL that the next run of an asset or a data test sends, as far as it is known before the run."""

from collections.abc import Iterable, Mapping

from starlette.requests import Request

from dagscope.dag.connections import RelationKind
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import ConnectionFailed, StatementFailed, TemplateFailed
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.templates import TaskValues
from dagscope.dag.project.project import Project
from dagscope.server.http.answers import Refused, unread
from dagscope.server.http.client_presence import until_gone
from dagscope.server.http.request_reading import workspace_of
from dagscope.server.http.shapes.about import Error
from dagscope.server.workspace.reads import ReadsBusy, TimeLimitReached
from dagscope.storage.assets_now import AssetNow


async def existing_relations(request: Request, project: Project, assets: Iterable[Asset]) -> dict[str, RelationKind]:
    """The existing relations of incremental assets, whose next statement depends on them.

    Refuses with 503 or 504 if they cannot be read.
    """
    incremental = [a for a in assets if a.materialization is Materialization.INCREMENTAL]
    if not incremental or project.is_of_bundle:  # which has no databases
        return {}
    try:
        return await workspace_of(request).reads.relations.answer(
            lambda cancellation: _kinds_of(project, incremental, cancellation), until_gone(request)
        )
    except (ReadsBusy, TimeLimitReached) as error:
        raise Refused(unread(error), Error(error="The databases cannot be read", details=str(error))) from error


def _kinds_of(project: Project, incremental: list[Asset], cancellation: Cancellation) -> dict[str, RelationKind]:
    existing: dict[str, RelationKind] = {}
    for name in {asset.connection for asset in incremental}:
        try:
            relations = project.connections[name].relations(cancellation)
        except (ConnectionFailed, StatementFailed):  # unreadable now: show the statement of a first run
            continue
        existing |= {a.name: relations[a.name] for a in incremental if a.connection == name and a.name in relations}
    return existing


def _made_before(project: Project, asset: Asset, now: AssetNow | None) -> RelationKind | None:
    """The relation that has a table's name, according to its tasks: asking the database could take long."""
    kinds = {Materialization.TABLE} | ({Materialization.INCREMENTAL} if project.is_of_bundle else set())
    is_made = asset.materialization in kinds and now is not None and now.relation_task_id is not None
    return RelationKind.TABLE if is_made else None


def compiled_query(project: Project, asset: Asset, now: AssetNow | None, found: Mapping[str, RelationKind]) -> str:
    """The statement of the next run, without the run's own values; "" for a raw asset. `found` are relations."""
    if asset.template is None:
        return ""
    existing = found.get(asset.name) or _made_before(project, asset, now)
    try:
        appends = asset.materialization is Materialization.INCREMENTAL and existing is RelationKind.TABLE
        sql = project.asset_sql(asset, TaskValues(), incremental=appends)
    except TemplateFailed as error:  # an environment variable that was removed after the project was loaded
        return project.redaction.text(f"-- {error}")
    compiled = project.connections[asset.connection].compiled(asset, sql, existing)
    return project.redaction.text(compiled)


def compiled_test(project: Project, test: DataTest) -> str:
    """The query of the next run, without the run's own values."""
    try:
        return project.redaction.text(project.test_sql(test, TaskValues()))
    except TemplateFailed as error:  # as for an asset
        return project.redaction.text(f"-- {error}")
