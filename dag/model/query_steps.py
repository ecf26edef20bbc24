"""The steps of a query: its CTEs and subqueries, and in each the clauses in the order in which they take effect.

A step is the query up to there, made of the query's own text, so that the database counts what it would have counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from dagscope.dag.model.query_parsing import (
    Lines,
    ParsedQuery,
    Place,
    QueryNotParsed,
    Span,
    list_of,
    parse,
    span_of,
)

if TYPE_CHECKING:
    from sqlglot import exp

MOST_STEPS = 300  # of one query; the text of each is as long as the query
RESULT = "result"
_TITLE = 200  # characters


class StepKind(StrEnum):
    """What a step adds to the one before it."""

    FROM = "from"
    JOIN = "join"
    WHERE = "where"
    GROUP = "group"
    HAVING = "having"
    QUALIFY = "qualify"
    SELECT = "select"
    LIMIT = "limit"
    SET = "set"
    """UNION, EXCEPT or INTERSECT."""
    QUERY = "query"
    """A whole query whose clauses are not known."""


class QueryKind(StrEnum):
    """What the query that a step belongs to is to the rest."""

    CTE = "cte"
    SUBQUERY = "subquery"
    OPERAND = "operand"
    """One of those that UNION, EXCEPT or INTERSECT combines."""
    RESULT = "result"


@dataclass(frozen=True)
class StepInput:
    """What a step reads: an earlier step, or a relation, which `sql` selects."""

    name: str
    step: str | None = None
    sql: str | None = None


@dataclass(frozen=True)
class QueryStep:
    """One step. `id` counts from 1; `query` names the query that it is a step of, at the `level` of nesting.

    `start` is the place in the query's text. `why_not` says why it cannot run alone.
    """

    id: str
    kind: StepKind
    title: str
    query: str
    query_kind: QueryKind
    level: int
    start: int
    inputs: tuple[StepInput, ...]
    is_last: bool
    """Whether it is the whole of its query."""
    why_not: str | None
    pieces: tuple[str, ...] = field(repr=False)
    scope: "_Scope" = field(repr=False)

    @property
    def sql(self) -> str:
        """The query up to this step, which can run alone."""
        return self.scope.around("\n".join(self.pieces))


@dataclass(frozen=True)
class _Visible:
    """A CTE that a query can read, and the last of its steps."""

    name: str
    text: str
    step: str


@dataclass(frozen=True)
class _Scope:
    """The CTEs that a query can read: those of each WITH around it, the outermost first."""

    levels: tuple[tuple[_Visible, ...], ...] = ()
    recursive: tuple[bool, ...] = ()

    def deeper(self, is_recursive: bool) -> "_Scope":
        return _Scope((*self.levels, ()), (*self.recursive, is_recursive))

    def adding(self, cte: _Visible) -> "_Scope":
        return replace(self, levels=(*self.levels[:-1], (*self.levels[-1], cte)))

    def find(self, name: str) -> _Visible | None:
        known = (cte for level in reversed(self.levels) for cte in reversed(level) if cte.name == name.lower())
        return next(known, None)

    def around(self, sql: str) -> str:
        """The query with the CTEs before it; each further WITH needs a query of its own."""
        filled = [(ctes, word) for ctes, word in zip(self.levels, self.recursive, strict=True) if ctes]
        for depth, (ctes, is_recursive) in enumerate(reversed(filled)):
            body = f"SELECT * FROM (\n{sql}\n) AS step" if depth else sql
            word = "WITH RECURSIVE " if is_recursive else "WITH "
            sql = word + ",\n".join(cte.text for cte in ctes) + "\n" + body
        return sql


def steps_of(sql: str, grammar: str) -> tuple[QueryStep, ...]:
    """The steps of one query in the order in which they take effect; the last one is the query itself.

    Raises `QueryNotParsed`.
    """
    parsed = parse(sql, grammar)
    steps = _Steps(parsed)
    steps.add_query(parsed.tree, _Named(RESULT, QueryKind.RESULT, 0), _Scope())
    last = steps.found[-1]
    return (*steps.found[:-1], replace(last, pieces=(sql,), scope=_Scope()))


@dataclass(frozen=True)
class _Named:
    """How the steps of a query are named."""

    name: str
    kind: QueryKind
    level: int
    reads_itself: str = ""
    """The name of the recursive CTE that it defines."""

    def inside(self, name: str, kind: QueryKind, reads_itself: str = "") -> "_Named":
        return _Named(name, kind, self.level + 1, reads_itself)


class _Steps:
    def __init__(self, parsed: ParsedQuery) -> None:
        self._parsed = parsed
        self.found: list[QueryStep] = []
        self._unnamed = 0

    def add_query(self, query: "exp.Expr", named: _Named, scope: _Scope) -> str:
        """Adds the steps of a query, after those of the queries in it; returns the id of the last one."""
        from sqlglot import exp

        with_ = query.args.get("with_")
        if with_ is not None:
            scope = self._add_ctes(with_, named, scope.deeper(bool(with_.args.get("recursive"))))
        while isinstance(query, exp.Subquery) and query.is_wrapper:
            query = query.this
        if isinstance(query, exp.SetOperation):
            return self._add_operation(query, named, scope)
        if isinstance(query, exp.Select) and _is_plain(query):
            return self._add_clauses(query, named, scope)
        span = self._whole(query)
        return self._add(StepKind.QUERY, named, span, scope, (self._parsed.part(span),), is_last=True)

    def _add_ctes(self, with_: "exp.Expr", named: _Named, scope: _Scope) -> _Scope:
        from sqlglot import exp

        for cte in with_.expressions:
            span, body, name = span_of(cte), cte.this, cte.alias
            if not isinstance(body, exp.Query) or span is None:
                raise QueryNotParsed(f'the CTE "{name}" is not a query', self._place(span))
            itself = name.lower() if with_.args.get("recursive") and _reads(body, name) else ""
            step = self.add_query(body, named.inside(name, QueryKind.CTE, itself), scope)
            visible = _Visible(name.lower(), self._parsed.part(span), step)
            scope = scope.adding(visible)
            if itself:  # its own text refers to it, so the text alone cannot run
                identifier = cte.args["alias"].this.meta
                rows = f"SELECT * FROM {self._parsed.part((identifier['start'], identifier['end'] + 1))}"
                self.found[-1] = replace(self.found[-1], pieces=(rows,), scope=scope)
        return scope

    def _add_operation(self, query: "exp.SetOperation", named: _Named, scope: _Scope) -> str:
        from sqlglot import exp

        operands: list[exp.Expr] = []
        left: exp.Expr = query
        while isinstance(left, exp.SetOperation):
            operands.append(left.expression)
            left = left.this
        operands.append(left)
        inputs = []
        for number, operand in enumerate(reversed(operands), 1):
            name = f"{named.name}, part {number}"
            inner = named.inside(name, QueryKind.OPERAND)
            if named.reads_itself and _reads(operand, named.reads_itself):
                why_not = "it reads its own rows, as a recursive CTE does, so it cannot run alone"
                span = self._whole(operand)
                step = self._add(
                    StepKind.QUERY, inner, span, scope, (self._parsed.part(span),), is_last=True, why_not=why_not
                )
            else:
                step = self.add_query(operand, inner, scope)
            inputs.append(StepInput(name, step))
        span = self._whole(query)
        title = query.key.upper() + ("" if query.args.get("distinct") else " ALL")
        return self._add(
            StepKind.SET, named, span, scope, (self._parsed.part(span),), tuple(inputs), is_last=True, title=title
        )

    def _add_clauses(self, select: "exp.Select", named: _Named, scope: _Scope) -> str:
        pieces = _Pieces(self._parsed, select)
        before: tuple[StepInput, ...] = ()
        for clause in pieces.clauses:
            inputs = before
            if clause.kind is StepKind.FROM or clause.kind is StepKind.JOIN:
                inputs = (*before, *self._read_by(clause, named, scope))
            self._add_subqueries(clause.conditions, named, scope)
            step = self._add(clause.kind, named, clause.span, scope, pieces.up_to(clause), inputs)
            before = (StepInput(clause.kind.upper(), step),)
        self._add_subqueries(select.expressions, named, scope)
        span = self._whole(select)
        whole, head = (self._parsed.part(span),), pieces.head or span
        if pieces.cut is None:
            return self._add(StepKind.SELECT, named, head, scope, whole, before, is_last=True)
        step = self._add(StepKind.SELECT, named, head, scope, pieces.uncut(), before)
        inputs = (StepInput(StepKind.SELECT.upper(), step),)
        return self._add(StepKind.LIMIT, named, pieces.cut, scope, whole, inputs, is_last=True)

    def _read_by(self, clause: "_Clause", named: _Named, scope: _Scope) -> tuple[StepInput, ...]:
        """What a FROM or a JOIN reads; nothing if its rows cannot be counted alone."""
        from sqlglot import exp

        source = clause.node.this
        if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query):
            name = source.alias or self._new_name()
            return (StepInput(name, self._add_subquery(source.this, name, named, scope)),)
        if isinstance(source, exp.Lateral):
            self._add_subqueries((source,), named, scope)
        span = span_of(source)
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier) or span is None:
            return ()
        cte = scope.find(source.name) if not source.args.get("db") else None
        if cte is not None:
            return (StepInput(source.name, cte.step),)
        if clause.kind is StepKind.FROM:  # the step itself has the relation's rows
            return ()
        name = ".".join(part.name for part in source.parts)
        return (StepInput(name, sql=f"SELECT * FROM {self._parsed.part(span)}"),)

    def _add_subqueries(self, nodes: "Iterable[exp.Expr]", named: _Named, scope: _Scope) -> None:
        for node in nodes:
            for query in _queries_in(node):
                self._add_subquery(query, self._new_name(), named, scope)

    def _new_name(self) -> str:
        self._unnamed += 1
        return f"subquery {self._unnamed}"

    def _add_subquery(self, query: "exp.Expr", name: str, named: _Named, scope: _Scope) -> str:
        inner = named.inside(name, QueryKind.SUBQUERY)
        outside = _column_of_outside(query)
        if outside is None:
            return self.add_query(query, inner, scope)
        span = self._whole(query)
        why_not = f"it reads {outside} of the query around it, so it cannot run alone"
        return self._add(StepKind.QUERY, inner, span, scope, (self._parsed.part(span),), is_last=True, why_not=why_not)

    def _add(
        self,
        kind: StepKind,
        named: _Named,
        span: Span,
        scope: _Scope,
        pieces: tuple[str, ...],
        inputs: tuple[StepInput, ...] = (),
        is_last: bool = False,
        why_not: str | None = None,
        title: str | None = None,
    ) -> str:
        if len(self.found) == MOST_STEPS:
            raise QueryNotParsed(f"it has more than {MOST_STEPS} steps", self._place(span))
        title = title or self._parsed.in_one_line(span)
        shown = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
        step = QueryStep(
            id=str(len(self.found) + 1),
            kind=kind,
            title=shown,
            query=named.name,
            query_kind=named.kind,
            level=named.level,
            start=span[0],
            inputs=inputs,
            is_last=is_last,
            why_not=why_not,
            pieces=pieces,
            scope=scope,
        )
        self.found.append(step)
        return step.id

    def _place(self, span: Span | None) -> Place | None:
        return Lines(self._parsed.text).place(span[0]) if span else None

    def _whole(self, query: "exp.Expr") -> Span:
        """Where a query is, without its WITH."""
        from sqlglot import exp

        span = span_of(query)
        if isinstance(query, exp.Select) and _is_plain(query):  # an ORDER BY that it ends with may belong to a UNION
            parts = [each for each in (list_of(query) or (None,))[:1] if each] + _spans_in(query)
            return min(parts)[0], max(end for _, end in parts)
        if span is None and isinstance(query, exp.SetOperation):
            end = max(end for _, end in (self._whole(query.expression), *_spans_in(query)))
            first = query.this
            while isinstance(first, exp.SetOperation):
                first = first.this
            return self._whole(first)[0], end
        if span is None:
            raise QueryNotParsed("the places of its parts are not known")
        return span


@dataclass(frozen=True)
class _Clause:
    """A clause of a SELECT; `conditions` are the expressions in it that can hold subqueries."""

    kind: StepKind
    node: "exp.Expr"
    span: Span

    @property
    def conditions(self) -> "tuple[exp.Expr, ...]":
        if self.kind is StepKind.FROM:
            return ()
        if self.kind is StepKind.JOIN:
            return (self.node.args["on"],) if self.node.args.get("on") else ()
        return (self.node,)


_CLAUSES = {
    "where": StepKind.WHERE,
    "group": StepKind.GROUP,
    "having": StepKind.HAVING,
    "qualify": StepKind.QUALIFY,
}


class _Pieces:
    """The texts of a SELECT's clauses, and how those up to one of them make a query."""

    def __init__(self, parsed: ParsedQuery, select: "exp.Select") -> None:
        self._parsed, self._select = parsed, select
        listed = list_of(select)
        self.head: Span | None = listed[0] if listed else None
        self._list: Span | None = listed[1] if listed else None
        self.clauses = list(_clauses(select))
        cuts = [span for key in ("limit", "offset") if (span := span_of(select.args.get(key)))]
        self.cut = (min(cuts)[0], max(end for _, end in cuts)) if cuts else None

    def up_to(self, last: _Clause) -> tuple[str, ...]:
        """The query of the rows that there are after a clause."""
        taken = self.clauses[: self.clauses.index(last) + 1]
        if last.kind in (StepKind.FROM, StepKind.JOIN):
            return ("SELECT *", *map(self._text, taken))
        if last.kind is StepKind.WHERE:
            return (", ".join(("SELECT *", *self._aliases_in(last))), *map(self._text, taken))
        listed = f"SELECT {self._parsed.part(self._list)}" if self._list else "SELECT *"
        return (listed, *self._with_windows(taken))

    def uncut(self) -> tuple[str, ...]:
        """The query without its LIMIT."""
        head = self._parsed.part(self.head) if self.head else "SELECT *"
        order = span_of(self._select.args.get("order"))
        return (head, *self._with_windows(self.clauses), *((self._parsed.part(order),) if order else ()))

    def _text(self, clause: _Clause) -> str:
        return self._parsed.part(clause.span)

    def _with_windows(self, taken: list[_Clause]) -> Iterator[str]:
        """The clauses, and the named windows, which come before QUALIFY."""
        windows = self._select.args.get("windows")
        span = span_of(windows[0]) if windows else None
        named = [self._parsed.part(span)] if span else []
        yield from (self._text(clause) for clause in taken if clause.kind is not StepKind.QUALIFY)
        yield from named
        yield from (self._text(clause) for clause in taken if clause.kind is StepKind.QUALIFY)

    def _aliases_in(self, where: _Clause) -> list[str]:
        """What WHERE reads by the name that the list gives it, as DuckDB allows."""
        from sqlglot import exp

        words = where.node.dfs(prune=lambda each: isinstance(each, exp.Query))
        read = {each.name.lower() for each in words if isinstance(each, exp.Column) and not each.table}
        named = [each for each in self._select.expressions if isinstance(each, exp.Alias)]
        chosen = [each for each in named if each.alias.lower() in read and not each.find(exp.AggFunc, exp.Window)]
        return [each.sql(dialect=self._parsed.grammar) for each in chosen]


def _clauses(select: "exp.Select") -> Iterator[_Clause]:
    """FROM, each JOIN, WHERE, GROUP BY, HAVING and QUALIFY."""
    from_ = select.args.get("from_")
    if from_ is not None:
        span, joins = span_of(from_), _joins_of(select)
        assert span is not None
        first = span_of(joins[0]) if joins else None
        yield _Clause(StepKind.FROM, from_, (span[0], min(span[1], first[0]) if first else span[1]))
        for join in joins:
            yield _Clause(StepKind.JOIN, join, span_of(join) or span)
    for key, kind in _CLAUSES.items():
        node = select.args.get(key)
        if node is not None and (span := span_of(node)):
            yield _Clause(kind, node, span)


def _joins_of(select: "exp.Select") -> "list[exp.Expr]":
    """Where FROM comes first, its relation has them."""
    from_ = select.args.get("from_")
    return [*((from_.this.args.get("joins") or []) if from_ is not None else []), *(select.args.get("joins") or [])]


_KNOWN = frozenset(
    "with_ expressions from_ joins where group having qualify windows order limit offset distinct".split()
)


def _is_plain(select: "exp.Select") -> bool:
    """Whether all of its clauses are known, and where they are."""
    args = select.args
    if any(value for key, value in args.items() if key not in _KNOWN):
        return False
    if list_of(select) is None and args.get("from_") is None:
        return False
    kept = [args.get(key) for key in ("from_", *_CLAUSES, "order", "limit")] + _joins_of(select)
    return all(span_of(node) is not None for node in kept if node is not None)


def _spans_in(query: "exp.Expr") -> list[Span]:
    """Where the clauses of a query are."""
    nodes = [query.args.get(key) for key in ("from_", *_CLAUSES, "order", "limit", "offset")]
    nodes += [*(query.args.get("joins") or []), *(query.args.get("windows") or [])[:1]]
    return [span for node in nodes if (span := span_of(node)) is not None]


def _queries_in(node: "exp.Expr") -> "Iterator[exp.Expr]":
    """The subqueries in an expression, not those in them."""
    from sqlglot import exp

    for found in node.dfs(prune=lambda each: isinstance(each, exp.Query)):
        if isinstance(found, exp.Subquery) and isinstance(found.this, exp.Query):
            yield found.this
        elif isinstance(found, exp.Query) and not isinstance(found, exp.Subquery):
            yield found


def _reads(query: "exp.Expr", name: str) -> bool:
    from sqlglot import exp

    return any(table.name.lower() == name.lower() and not table.db for table in query.find_all(exp.Table))


def _column_of_outside(query: "exp.Expr") -> str | None:
    """A column of a query around this one that it reads by the relation's name."""
    from sqlglot import exp

    around: set[str] = set()
    outer = query.parent_select
    while outer is not None:
        from_ = outer.args.get("from_")
        sources = [each.this for each in (from_, *_joins_of(outer)) if each is not None]
        around.update(source.alias_or_name.lower() for source in sources)
        outer = outer.parent_select
    own = {
        each.alias_or_name.lower() for each in query.find_all(exp.Table, exp.Subquery, exp.CTE, exp.Lateral, exp.Unnest)
    }
    for column in query.find_all(exp.Column):
        if column.table.lower() in around - own:
            return f"{column.table}.{column.name}"
    return None
