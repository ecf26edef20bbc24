"""Where a query reads relations, and what is known there of the rows that made one row of its result.

A column of the result that is passed on from a relation has the value that its rows have there. The equalities of
joins and of WHERE carry that on to other relations. Everything else that chooses rows is named, not followed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dagscope.dag.model.column_lineage import (
    ColumnLineage,
    How,
    QueryColumns,
    SourceColumn,
    kind_of,
    not_followed,
    relation_name,
)
from dagscope.dag.model.query_parsing import QueryNotParsed

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

MOST_QUERIES = 200  # of one text, each as often as it is read


@dataclass(frozen=True)
class Followed:
    """A column of the result, and the column of a relation that has the same value in the rows that made it."""

    column: str
    other: str
    is_joined: bool = False
    """By an equality, which NULL does not meet, or a grouping set, in whose rows NULL stands for all values."""
    may_be_missing: bool = False
    """Whether an outer join may have made the column of the result NULL."""


@dataclass(frozen=True)
class Comparison:
    """What the query compares a column of a relation with; `value` is None for NULL."""

    other: str
    operator: str
    value: str | None

    @property
    def filter(self) -> str:
        """As a filter for rows (docs/http-api/assets.md, Filters and sorting)."""
        return f"{self.other}:isnull" if self.value is None else f"{self.other}:{self.operator}:{self.value}"


@dataclass(frozen=True)
class Reading:
    """One place where a query reads a relation; `alias` is how it is named there."""

    relation: str
    alias: str
    followed: tuple[Followed, ...] = ()
    compared: tuple[Comparison, ...] = ()
    unread: tuple[str, ...] = ()
    """The other conditions that choose among its rows, as the query writes them."""
    is_grouped: bool = False
    """Whether several rows may have become one."""
    is_optional: bool = False
    """Whether an outer join keeps rows of others without one of these."""


def readings_of(query: QueryColumns) -> tuple[Reading, ...]:
    """All places where the query reads relations in FROM or JOIN. Raises `QueryNotParsed`, also if it has too many."""
    with not_followed():
        walk = _Walk(query)
        known = {column.name.lower(): Followed(column.name, "") for column in query.columns}
        walk.visit(query.result, known, _Above())
        return tuple(dict.fromkeys(walk.readings))


@dataclass(frozen=True)
class _Above:
    """What the queries around one do with its rows."""

    unread: tuple[str, ...] = ()
    is_grouped: bool = False
    is_optional: bool = False


@dataclass
class _Conditions:
    """What a SELECT says of the columns of what it reads."""

    equal: dict[SourceColumn, list[SourceColumn]] = field(default_factory=lambda: defaultdict(list))
    compared: dict[str, list[Comparison]] = field(default_factory=lambda: defaultdict(list))
    pairs: list[tuple[SourceColumn, SourceColumn, str]] = field(default_factory=list)
    unread: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    optional: set[str] = field(default_factory=set)


class _Walk:
    """From the result of a query down to the relations, with what is known of the columns on the way."""

    def __init__(self, query: QueryColumns) -> None:
        self._query = query
        self.readings: list[Reading] = []
        self._around: set[int] = set()
        self._visits = 0

    def visit(self, scope: "Scope", known: Mapping[str, Followed], above: _Above) -> None:
        """`known` is by the column of the query, in lower case."""
        from sqlglot import exp

        key = id(scope.expression)
        if key in self._around:  # a recursive query reads itself
            return
        self._visits += 1
        if self._visits > MOST_QUERIES:
            raise QueryNotParsed(f"it reads relations in more than {MOST_QUERIES} queries")
        self._around.add(key)
        if scope.set_operation_scopes:
            self._visit_operands(scope, known, above)
        elif isinstance(scope.expression, exp.Select):
            self._visit_select(scope, known, above)
        self._around.discard(key)

    def _visit_operands(self, scope: "Scope", known: Mapping[str, Followed], above: _Above) -> None:
        from sqlglot import exp

        operands = scope.set_operation_scopes
        if isinstance(scope.expression, exp.Except):
            operands = operands[:1]
        if _is_recursive(scope):  # its steps change what the first query has found
            known = {}
        names = [column.name.lower() for column in self._query.outputs(scope)]
        for operand in operands:
            own = [column.name.lower() for column in self._query.outputs(operand)]
            of_own = own if scope.expression.args.get("by_name") else names
            pairs = zip(own, of_own, strict=False)
            self.visit(operand, {name: known[outer] for name, outer in pairs if outer in known}, above)

    def _visit_select(self, scope: "Scope", known: Mapping[str, Followed], above: _Above) -> None:
        conditions = self._conditions(scope)
        found = self._spread(self._passed(scope, known, conditions), conditions)
        for one, other, text in conditions.pairs:
            if one not in found and other not in found:
                for alias in {one[0], other[0]}:
                    conditions.unread[alias].append(text)
        groups = above.is_grouped or self._groups(scope.expression)
        computed = tuple(self._computed_keys(scope, known)) if scope.expression.args.get("group") else ()
        for alias, (_, source) in scope.selected_sources.items():
            own = {column: value for (of, column), value in found.items() if of == alias}
            around = _Above(
                tuple(dict.fromkeys((*above.unread, *conditions.unread[alias], *computed))),
                groups,
                above.is_optional or alias in conditions.optional,
            )
            self._read(alias, source, own, tuple(conditions.compared[alias]), around)

    def _read(
        self,
        alias: str,
        source: "exp.Expr | Scope",
        known: Mapping[str, Followed],
        compared: tuple[Comparison, ...],
        above: _Above,
    ) -> None:
        from sqlglot import exp

        if not isinstance(source, exp.Table):
            written = tuple(f"{each.other} {each.operator} {each.value}" for each in compared)
            self.visit(source, known, replace(above, unread=(*above.unread, *written)))  # type: ignore[arg-type]  # a query
            return
        own = {
            column.name.lower(): origin.column
            for column in self._query.of_source(source) or ()
            for origin in column.origins
        }
        self.readings.append(
            Reading(
                relation_name(source),
                alias,
                tuple(replace(value, other=own.get(name, name)) for name, value in sorted(known.items())),
                tuple(replace(each, other=own.get(each.other, each.other)) for each in compared),
                above.unread,
                above.is_grouped,
                above.is_optional,
            )
        )

    def _computed_keys(self, scope: "Scope", known: Mapping[str, Followed]) -> Iterator[str]:
        """What a query groups by besides the columns that it passes on: it chooses the rows of a group too."""
        for column, source in zip(self._query.outputs(scope), self._query.passed_on(scope), strict=False):
            if source is None and column.name.lower() in known and column.how in (How.EXPRESSION, How.UNKNOWN):
                yield f"{column.name}: {column.why}"

    def _passed(
        self, scope: "Scope", known: Mapping[str, Followed], conditions: _Conditions
    ) -> dict[SourceColumn, Followed]:
        """What is known of the columns that the query passes on."""
        found: dict[SourceColumn, Followed] = {}
        has_sets = _has_grouping_sets(scope.expression)
        for column, source in zip(self._query.outputs(scope), self._query.passed_on(scope), strict=False):
            value = known.get(column.name.lower())
            if source is not None and value is not None:
                missing = value.may_be_missing or source[0] in conditions.optional
                # In a row of another grouping set, it is NULL.
                found.setdefault(source, replace(value, may_be_missing=missing, is_joined=value.is_joined or has_sets))
        return found

    def _spread(self, found: dict[SourceColumn, Followed], conditions: _Conditions) -> dict[SourceColumn, Followed]:
        """The same and what equals it."""
        waiting = list(found)
        while waiting:
            one = waiting.pop()
            for other in conditions.equal.get(one, ()):
                if other not in found:
                    found[other] = replace(found[one], is_joined=True)
                    waiting.append(other)
        return found

    def _groups(self, select: "exp.Expr") -> bool:
        if select.args.get("group"):
            return True
        return any(kind_of(each.unalias(), reads_columns=True) is How.AGGREGATE for each in select.expressions)

    def _conditions(self, scope: "Scope") -> _Conditions:
        select, found = scope.expression, _Conditions()
        before = list(scope.selected_sources)[:1]
        for join in select.args.get("joins") or ():
            self._add_join(scope, join, before, found)
            before.append(join.alias_or_name)
        where, qualify = select.args.get("where"), select.args.get("qualify")
        for condition in _parts(where.this) if where else ():
            self._add(scope, condition, None, found)
        if qualify:
            for alias in scope.selected_sources:
                found.unread[alias].append(self._query.text(qualify))
        return found

    def _add_join(self, scope: "Scope", join: "exp.Join", before: list[str], found: _Conditions) -> None:
        alias, side = join.alias_or_name, join.side.upper()
        found.optional.update([alias] if side in ("LEFT", "FULL") else [])
        found.optional.update(before if side in ("RIGHT", "FULL") else [])
        if join.kind.upper() in ("ANTI", "SEMI") or join.method.upper() == "NATURAL":
            for each in (*before, alias):
                found.unread[each].append(self._query.text(join))
            return
        for column in join.args.get("using") or ():
            name = column.name.lower()
            for other in before:
                if any(each.name.lower() == name for each in self._columns(scope, other)):
                    self._equal((other, name), (alias, name), f"{other}.{name} = {alias}.{name}", found)
                    break
        on = join.args.get("on")
        for condition in _parts(on) if on else ():
            self._add(scope, condition, alias if side else None, found)

    def _columns(self, scope: "Scope", alias: str) -> Iterable[ColumnLineage]:
        return self._query.of_source(scope.selected_sources[alias][1]) or () if alias in scope.selected_sources else ()

    def _equal(self, one: SourceColumn, other: SourceColumn, text: str, found: _Conditions) -> None:
        found.equal[one].append(other)
        found.equal[other].append(one)
        found.pairs.append((one, other, text))

    def _add(self, scope: "Scope", condition: "exp.Expr", of_join: str | None, found: _Conditions) -> None:
        """A condition that all rows meet; with `of_join`, only those that an outer join has found a row for."""
        from sqlglot import exp

        columns = {self._query.source_column(scope, each) for each in condition.find_all(exp.Column)}
        aliases = {each[0] for each in columns if each is not None}
        text = self._query.text(condition)
        left, right = condition.this, condition.args.get("expression")
        if isinstance(condition, exp.EQ) and isinstance(left, exp.Column) and isinstance(right, exp.Column):
            one, other = self._query.source_column(scope, left), self._query.source_column(scope, right)
            if one and other and one[0] != other[0] and (of_join is None or of_join in aliases):
                self._equal(one, other, text, found)
                return
        comparison = self._comparison(scope, condition)
        if comparison is not None:
            (alias, column), operator, value = comparison
            if (of_join is None or alias == of_join) and not (value is None and alias in found.optional):
                found.compared[alias].append(Comparison(column, operator, value))
                return
        for alias in aliases if of_join is None else aliases & {of_join}:
            found.unread[alias].append(text)

    def _comparison(self, scope: "Scope", condition: "exp.Expr") -> "tuple[SourceColumn, str, str | None] | None":
        """A column that is compared with a constant."""
        from sqlglot import exp

        if isinstance(condition, exp.Column):
            source = self._query.source_column(scope, condition)
            return (source, "eq", "true") if source else None
        inner = condition.this.unnest() if isinstance(condition, exp.Not) else None
        if isinstance(inner, exp.Column):
            source = self._query.source_column(scope, inner)
            return (source, "eq", "false") if source else None
        column, value = condition.this, condition.args.get("expression")
        if not isinstance(column, exp.Column):
            return None
        source = self._query.source_column(scope, column)
        if source is None:
            return None
        if isinstance(condition, exp.Is) and isinstance(value, exp.Null):
            return source, "isnull", None
        operator = _OPERATORS.get(type(condition).__name__)
        constant = _constant(value) if operator else None
        return (source, operator, constant) if operator and constant is not None else None


def _is_recursive(scope: "Scope") -> bool:
    """Whether one of the operands reads the query itself, which sqlglot has as its first operand."""
    own = {id(scope.expression), id(scope.expression.this)}
    read = (source for operand in scope.set_operation_scopes for _, source in operand.selected_sources.values())
    return any(id(getattr(source, "expression", None)) in own for source in read)


def _has_grouping_sets(select: "exp.Expr") -> bool:
    from sqlglot import exp

    group = select.args.get("group")
    return group is not None and group.find(exp.GroupingSets, exp.Rollup, exp.Cube) is not None


_OPERATORS = {"EQ": "eq", "LT": "lt", "LTE": "le", "GT": "gt", "GTE": "ge"}


def _constant(value: "exp.Expr | None") -> str | None:
    """The text of a literal, None for anything else."""
    from sqlglot import exp

    if isinstance(value, exp.Cast) and isinstance(value.this, exp.Literal):  # DATE '2013-01-01'
        value = value.this
    if isinstance(value, exp.Neg) and isinstance(value.this, exp.Literal):
        return f"-{value.this.this}"
    if isinstance(value, exp.Boolean):
        return "true" if value.this else "false"
    return str(value.this) if isinstance(value, exp.Literal) else None


def _parts(condition: "exp.Expr") -> Iterator["exp.Expr"]:
    """The conditions that AND connects."""
    from sqlglot import exp

    waiting = [condition]
    while waiting:
        part = waiting.pop().unnest()
        if isinstance(part, exp.And):
            waiting.extend((part.expression, part.this))
        else:
            yield part
