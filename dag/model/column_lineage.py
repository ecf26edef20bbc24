"""Which columns of relations the columns of a query come from, as far as its text says.

A column that is passed on stays itself through any number of CTEs and subqueries. An expression, an aggregate or a
window ends that: the column is then made of others. Every query in the text is looked at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from dagscope.dag.model.query_parsing import QueryNotParsed, parse

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

MOST_ORIGINS = 200  # of one column
_SHOWN = 200  # characters of an expression


class How(StrEnum):
    """How a column comes from its origins; the later ones say more of where its way ends."""

    SAME = "same"
    """Its values are those of the origin."""
    CONSTANT = "constant"
    EXPRESSION = "expression"
    WINDOW = "window"
    AGGREGATE = "aggregate"
    UNKNOWN = "unknown"


_RANKS = {how: rank for rank, how in enumerate(How)}


@dataclass(frozen=True, order=True)
class Origin:
    """A column of a relation, which is named as the query names it."""

    relation: str
    column: str


@dataclass(frozen=True)
class ColumnLineage:
    """A column of a query and what it comes from; `why` says in words why it is not the same as its origin."""

    name: str
    how: How
    origins: frozenset[Origin] = frozenset()
    why: str | None = None


SourceColumn = tuple[str, str]
"""A relation or a query that FROM or JOIN names, by its alias there, and a column of it in lower case."""

Known = Mapping[str, Sequence[str]]
"""The columns of relations, by the name in lower case as the query writes it."""


def lineage_of(sql: str, grammar: str, columns_of: Callable[[frozenset[str]], Known]) -> "QueryColumns":
    """The columns of one query. Raises `QueryNotParsed`.

    `columns_of` returns the columns of those of the query's relations that it knows.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    tree = parse(sql, grammar).tree
    known = columns_of(frozenset(relation_name(table).lower() for table in tree.find_all(exp.Table)))
    with not_followed():
        return QueryColumns(traverse_scope(tree), known, grammar)


@contextmanager
def not_followed() -> Iterator[None]:
    """Raises `QueryNotParsed` in place of what sqlglot raises."""
    from sqlglot.errors import OptimizeError

    try:
        yield
    except OptimizeError as error:
        raise QueryNotParsed(str(error)) from error
    except RecursionError:
        raise QueryNotParsed("it is nested too deeply") from None


def relation_name(table: "exp.Expr") -> str:
    """Its name as the query writes it; of a function that returns rows, the call, such as `read_csv('a.csv')`."""
    from sqlglot import exp

    call = table.this
    if isinstance(call, exp.Func):
        name = call.name if isinstance(call, exp.Anonymous) else call.sql_name().lower()
        read = call.find(exp.Literal)  # the nearest: of a list of files, the first one
        return f"{name}({_shortened(read.sql()) if read is not None and read.is_string else ''})"
    return ".".join(part.name for part in table.parts)  # type: ignore[attr-defined]  # of a table


class QueryColumns:
    """The columns of a query and of all queries in it, each looked at once."""

    def __init__(self, scopes: "Sequence[Scope]", known: Known, grammar: str) -> None:
        self._known, self._grammar = known, grammar
        self._scopes = {id(scope.expression): scope for scope in scopes}
        self._outputs: dict[int, tuple[ColumnLineage, ...] | None] = {}
        for scope in scopes:  # those that are read come before those that read them
            self.outputs(scope)
        self.result = scopes[-1]

    @property
    def columns(self) -> tuple[ColumnLineage, ...]:
        """Those of the whole query, in their order."""
        return self.outputs(self.result)

    def outputs(self, scope: "Scope") -> tuple[ColumnLineage, ...]:
        """The columns of one of its queries; none of a recursive CTE that reads itself."""
        key = id(scope.expression)
        if key not in self._outputs:
            self._outputs[key] = None
            found = tuple(self._of_operation(scope) if scope.set_operation_scopes else self._of_select(scope))
            names = scope.outer_columns  # of a CTE or a subquery that names them
            renamed = (replace(each, name=name) for each, name in zip(found, names, strict=False))
            self._outputs[key] = (*renamed, *found[len(names) :])
        return self._outputs[key] or ()

    def _of_operation(self, scope: "Scope") -> Iterator[ColumnLineage]:
        from sqlglot import exp

        left, right = (self.outputs(each) for each in scope.set_operation_scopes)
        if isinstance(scope.expression, exp.Except):
            yield from left
        elif scope.expression.args.get("by_name"):
            others = {each.name.lower(): each for each in right}
            for column in left:
                other = others.pop(column.name.lower(), None)
                yield _combined(column.name, (column, other) if other else (column,))
            yield from others.values()
        else:
            for number, column in enumerate(left):
                yield _combined(column.name, (column, *right[number : number + 1]))

    def _of_select(self, scope: "Scope") -> Iterator[ColumnLineage]:
        from sqlglot import exp

        if not isinstance(scope.expression, exp.Select):  # VALUES, or a function that returns rows
            for name in scope.expression.alias_column_names or scope.outer_columns:
                yield ColumnLineage(name, How.CONSTANT, why=f"it is from {self.text(scope.expression)}")
            return
        before: dict[str, ColumnLineage] = {}
        for projection in scope.expression.expressions:
            for column in self._of_projection(scope, projection, before):
                before.setdefault(column.name.lower(), column)
                yield column

    def _of_projection(
        self, scope: "Scope", projection: "exp.Expr", before: Mapping[str, ColumnLineage]
    ) -> Iterator[ColumnLineage]:
        from sqlglot import exp

        if projection.find(exp.Columns):  # DuckDB's pattern for the names of columns
            yield ColumnLineage(self.text(projection), How.UNKNOWN, why="its columns are not known")
        elif projection.is_star:
            yield from self._of_star(scope, projection, before)
        else:
            name = projection.output_name or self.text(projection)
            yield replace(self._of_expression(scope, projection.unalias(), before), name=name)

    def _of_star(
        self, scope: "Scope", projection: "exp.Expr", before: Mapping[str, ColumnLineage]
    ) -> Iterator[ColumnLineage]:
        from sqlglot import exp

        star = projection if isinstance(projection, exp.Star) else projection.find(exp.Star)
        if star is None or not isinstance(projection, exp.Star | exp.Column):
            yield ColumnLineage(self.text(projection), How.UNKNOWN, why="its columns are not known")
            return
        left_out = {each.name.lower() for each in star.args.get("except_") or ()}
        replaced = {each.alias.lower(): each for each in star.args.get("replace") or ()}
        renamed = {each.this.name.lower(): each.alias for each in star.args.get("rename") or ()}
        for _, column in self._starred(scope, projection.table if isinstance(projection, exp.Column) else ""):
            key = column.name.lower()
            if key in replaced:
                yield replace(self._of_expression(scope, replaced[key].unalias(), before), name=column.name)
            elif key not in left_out:
                yield replace(column, name=renamed.get(key, column.name))

    def _starred(self, scope: "Scope", of: str) -> Iterable[tuple[str, ColumnLineage]]:
        """The columns of all relations that a query reads, or of one of them, with its alias."""
        merged = frozenset[str]() if of else _merged(scope.expression)
        found: dict[str, tuple[str, ColumnLineage]] = {}
        for name, (_, source) in scope.selected_sources.items():
            if of and name.lower() != of.lower():
                continue
            columns = self.of_source(source)
            if columns is None:
                why = f"the columns of {relation_name(source)} are not known"  # type: ignore[arg-type]  # a table
                columns = [ColumnLineage("*", How.UNKNOWN, why=why)]
            for column in columns:
                key = column.name.lower()
                found.setdefault(key if key in merged else f"{name}.{key}", (name, column))
        if self._grammar == "postgres":  # which lists the columns of USING first
            return sorted(found.values(), key=lambda each: each[1].name.lower() not in merged)
        return found.values()

    def passed_on(self, scope: "Scope") -> "Iterator[SourceColumn | None]":
        """For each column of a SELECT, in their order: the column that it passes on; None if it passes none on."""
        from sqlglot import exp

        for projection in scope.expression.expressions:
            if not projection.is_star:
                inner = projection.unalias().unnest()
                yield self.source_column(scope, inner) if isinstance(inner, exp.Column) else None
                continue
            star = projection if isinstance(projection, exp.Star) else projection.find(exp.Star)
            if star is None or projection.find(exp.Columns) or not isinstance(projection, exp.Star | exp.Column):
                yield None
                continue
            left_out = {each.name.lower() for each in star.args.get("except_") or ()}
            replaced = {each.alias.lower() for each in star.args.get("replace") or ()}
            for alias, column in self._starred(scope, projection.table if isinstance(projection, exp.Column) else ""):
                key = column.name.lower()
                if key in replaced:
                    yield None
                elif key not in left_out:
                    yield alias, key

    def source_column(self, scope: "Scope", column: "exp.Column") -> "SourceColumn | None":
        """What of a query's relations and queries a column is written for."""
        table, name = column.table.lower(), column.name.lower()
        for alias, (_, source) in scope.selected_sources.items():
            if table and alias.lower() != table:
                continue
            columns = self.of_source(source)
            if any(each.name.lower() == name for each in columns or ()) or (table and columns is None):
                return alias, name
        return None

    def of_source(self, source: "exp.Expr | Scope") -> Sequence[ColumnLineage] | None:
        """The columns of what FROM or JOIN reads; None if they are not known."""
        from sqlglot import exp

        if not isinstance(source, exp.Table):
            return self.outputs(source)  # type: ignore[arg-type]  # a query in this one
        relation = relation_name(source)
        names = self._known.get(relation.lower())
        if names is None:
            return None
        shown = [*source.alias_column_names, *names[len(source.alias_column_names) :]]
        return [
            ColumnLineage(name, How.SAME, frozenset({Origin(relation, own)}))
            for name, own in zip(shown, names, strict=False)
        ]

    def _of_expression(
        self, scope: "Scope", expression: "exp.Expr", before: Mapping[str, ColumnLineage]
    ) -> ColumnLineage:
        from sqlglot import exp

        inner = expression.unnest()
        if isinstance(inner, exp.Column):
            return self._of_column(scope, inner, before)
        columns = [self._of_column(self._scope_of(each, scope), each, before) for each in inner.find_all(exp.Column)]
        how = kind_of(inner, bool(columns))
        words = {
            How.CONSTANT: "it reads no column",
            How.AGGREGATE: "it is aggregated",
            How.WINDOW: "it looks at other rows",
        }
        own = ColumnLineage("", how, why=f"{words.get(how, 'it is computed')}: {self.text(inner)}")
        return _combined("", (own, *columns))

    def _scope_of(self, column: "exp.Expr", scope: "Scope") -> "Scope":
        """The query that a column is written in, which may be a subquery of the expression."""
        return self._scopes.get(id(column.parent_select), scope)

    def _of_column(self, scope: "Scope", column: "exp.Expr", before: Mapping[str, ColumnLineage]) -> ColumnLineage:
        table, name = column.table.lower(), column.name  # type: ignore[attr-defined]  # a column
        around: Scope | None = scope
        while around is not None:
            found = self._in_sources(around, table, name)
            if found is not None:
                return found
            around = around.parent if around.is_subquery or around.is_derived_table else None
        if not table and name.lower() in before:  # an alias of the same list
            return before[name.lower()]
        only = self._of_only_source(scope, table, name)
        if only is not None:
            return only
        field = self._in_sources(scope, "", column.table) if table else None  # type: ignore[attr-defined]  # as above
        if field is not None:  # a field of a column
            return _combined("", (ColumnLineage("", How.EXPRESSION, why=f"it is a field: {self.text(column)}"), field))
        return ColumnLineage(name, How.UNKNOWN, why=f"it is not known where {self.text(column)} comes from")

    def _in_sources(self, scope: "Scope", table: str, name: str) -> ColumnLineage | None:
        """The column of one of the relations and queries that a query reads."""
        for alias, (_, source) in scope.selected_sources.items():
            if not table or alias.lower() == table:
                for column in self.of_source(source) or ():
                    if column.name.lower() == name.lower():
                        return column
        return None

    def _of_only_source(self, scope: "Scope", table: str, name: str) -> ColumnLineage | None:
        """The column of the only relation that it can be of, whose columns are not known."""
        sources = {alias.lower(): source for alias, (_, source) in scope.selected_sources.items()}
        source = sources.get(table) if table else next(iter(sources.values()), None)
        if source is None or self.of_source(source) is not None or not (table or len(sources) == 1):
            return None
        return ColumnLineage(name, How.SAME, frozenset({Origin(relation_name(source), name)}))  # type: ignore[arg-type]  # a table

    def text(self, expression: "exp.Expr") -> str:
        return _shortened(" ".join(expression.sql(dialect=self._grammar, comments=False).split()))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def kind_of(expression: "exp.Expr", reads_columns: bool) -> How:
    """What an expression does with its columns, not what its subqueries do."""
    from sqlglot import exp

    how = How.EXPRESSION if reads_columns else How.CONSTANT
    for node in expression.dfs(prune=lambda each: isinstance(each, exp.Query | exp.Window)):
        if isinstance(node, exp.Query):
            how = max(how, How.EXPRESSION, key=_RANKS.__getitem__)
        elif isinstance(node, exp.Window):
            how = max(how, How.WINDOW, key=_RANKS.__getitem__)
            if any(isinstance(each, exp.AggFunc) for each in node.this.find_all(exp.AggFunc) if each is not node.this):
                how = How.AGGREGATE
        elif isinstance(node, exp.AggFunc):
            how = How.AGGREGATE
    return how


def _merged(select: "exp.Expr") -> frozenset[str]:
    """The columns that USING makes one of two."""
    joins = select.args.get("joins") or ()
    return frozenset(identifier.name.lower() for join in joins for identifier in join.args.get("using") or ())


def _combined(name: str, parts: Iterable[ColumnLineage]) -> ColumnLineage:
    """A column that is made of several: it has the origins of all, and ends where one of them does."""
    found = list(parts)
    strongest = max(found, key=lambda part: _RANKS[part.how])
    origins = frozenset().union(*(part.origins for part in found))
    if len(origins) > MOST_ORIGINS:
        return ColumnLineage(name, How.UNKNOWN, why=f"it comes from more than {MOST_ORIGINS} columns")
    return ColumnLineage(name, strongest.how, origins, strongest.why)
