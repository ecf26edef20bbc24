"""The steps of an asset's or a data test's query as an answer (docs/http-api/assets.md, Steps)."""

from collections.abc import Sequence
from dataclasses import dataclass

from dagscope.dag.connections.arrow_types import unique_names
from dagscope.dag.connections.row_columns import columns_of_relation
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.model.assets import Asset, DataTest
from dagscope.dag.model.query_parsing import Lines, Place, QueryNotParsed
from dagscope.dag.model.query_steps import QueryStep, steps_of
from dagscope.dag.project.project import Project
from dagscope.dag.run.step_counts import CountedStep, counted
from dagscope.server.api.node_query import NodeQuery, QueryRefused
from dagscope.server.api.row_json import array_chunks
from dagscope.server.http.answers import around
from dagscope.server.http.pages import Page
from dagscope.server.http.shapes.rows import DataColumn
from dagscope.server.http.shapes.steps import Step, StepInputRows, Steps


@dataclass(frozen=True)
class AskedSteps:
    """What is asked: the list alone, all steps counted, or the one step `step` with a page of its rows."""

    count: bool
    step: str | None
    page: Page


def steps_answer(project: Project, node: Asset | DataTest, asked: AskedSteps, cancellation: Cancellation) -> bytes:
    """The answer as JSON. Raises `QueryRefused`, or what a read of the database raises."""
    taking = _TakingApart(project, node, cancellation)
    if asked.step is not None:
        return taking.one(asked.step, asked.page)
    steps = (
        taking.counted(taking.steps) if asked.count else [CountedStep(each, None, (), None) for each in taking.steps]
    )
    return taking.answer(steps).to_json().encode()


class _TakingApart:
    def __init__(self, project: Project, node: Asset | DataTest, cancellation: Cancellation) -> None:
        self._project, self._node, self._cancellation = project, node, cancellation
        self._shown = project.redaction.text
        self._query = NodeQuery(project, node, cancellation)
        self._connection, self._sql = self._query.connection, self._query.sql
        self._lines, self._places = Lines(self._sql), self._query.places
        try:
            self.steps = steps_of(self._sql, self._query.grammar)
        except QueryNotParsed as error:
            raise self._query.refused(error) from error

    def counted(self, wanted: Sequence[QueryStep]) -> Sequence[CountedStep]:
        return counted(self._connection, self.steps, wanted, self._cancellation)

    def one(self, id_: str, page: Page) -> bytes:
        """One step with its rows."""
        step = next((each for each in self.steps if each.id == id_), None)
        if step is None:
            known = f'there is no step "{id_[:20]}"; its steps are 1 to {len(self.steps)}'
            raise QueryRefused(f'"{self._node.name}" has no such step', known, 404)
        if step.why_not is not None:
            raise QueryRefused(f"Step {id_} cannot run alone", self._shown(step.why_not))
        if isinstance(self._node, DataTest) and self._node.mask:
            details = f'"{self._node.name}" masks columns; count the steps instead'
            raise QueryRefused("The rows of its steps are not shown", details)
        answer = self.answer(self.counted([step])).model_copy(update={"step_sql": self._shown(step.sql)})
        if answer.steps[0].error is not None:
            return answer.to_json().encode()
        sql = f"SELECT * FROM (\n{step.sql}\n) AS step LIMIT {page.limit} OFFSET {page.offset}"
        with self._connection.queries(self._cancellation) as session, session.snapshot():
            rows = session.read_to_show(sql)
            found = columns_of_relation(rows.schema, session.dialect)
            names = unique_names(rows.schema.names)
            columns = tuple(DataColumn(name=name, type=each.type) for name, each in zip(names, found, strict=True))
            facts = {"columns": columns, "offset": page.offset, "limit": page.limit}
            head, foot = around(answer.model_copy(update=facts), "rows")
            return f"{head}[".encode() + b"".join(array_chunks(iter(rows))) + f"]{foot}".encode()

    def answer(self, steps: Sequence[CountedStep]) -> Steps:
        return Steps(
            name=self._node.name,
            path=self._node.path,
            connection_name=self._node.connection,
            sql=self._shown(self._sql),
            steps=tuple(map(self._shape, steps)),
        )

    def _shape(self, counted: CountedStep) -> Step:
        step, place = counted.step, self._lines.place(counted.step.start)
        in_file = self._places.in_file(place) or _NOWHERE
        numbers = counted.inputs or (None,) * len(step.inputs)
        return Step(
            id=step.id,
            kind=step.kind,
            title=self._shown(step.title),
            query=self._shown(step.query),
            query_kind=step.query_kind,
            level=step.level,
            is_last=step.is_last,
            line=in_file.line or None,
            column=in_file.column or None,
            sql_line=place.line,
            sql_column=place.column,
            inputs=tuple(
                StepInputRows(name=self._shown(each.name), step=each.step, row_count=rows)
                for each, rows in zip(step.inputs, numbers, strict=True)
            ),
            row_count=counted.rows,
            mark=counted.mark,
            sentence=counted.sentence,
            error=self._shown(counted.error) if counted.error is not None else None,
            why_not_run=self._shown(step.why_not) if step.why_not is not None else None,
        )


_NOWHERE = Place(0, 0)
