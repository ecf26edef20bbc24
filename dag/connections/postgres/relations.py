"""Replacing relations in PostgreSQL so that no reader ever sees them missing or empty (docs/connections.md).

All functions work inside a transaction that the caller started, on a connection of either driver.
"""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from dagscope.dag.connections.materializations import TableKeys
from dagscope.dag.connections.postgres.dialect import DIALECT
from dagscope.dag.connections.postgres.materializations import MATERIALIZATIONS
from dagscope.dag.connections.relation_kind import RelationKind
from dagscope.dag.ground.errors import DagscopeError, StatementFailed

_INVALID_TABLE_DEFINITION = "42P16"  # CREATE OR REPLACE VIEW with other columns


class Statements(Protocol):
    """A connection in a transaction. Both raise `StatementFailed`."""

    connection: str

    def execute(self, sql: str) -> int: ...

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...

    def sql_state(self, error: DagscopeError) -> str | None: ...


@dataclass(frozen=True)
class Existing:
    """A relation that exists: `code` is pg_class.relkind, `columns` are names and types in order."""

    oid: int
    code: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> RelationKind:
        return RelationKind.VIEW if self.code in "vm" else RelationKind.TABLE

    @property
    def drop(self) -> str:
        words = {"v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE"}.get(self.code, "TABLE")
        return f"DROP {words} {self.name}"


def existing(statements: Statements, name: str) -> Existing | None:
    """The relation with this name, written as SQL, or None."""
    found = statements.rows(
        "SELECT c.oid::bigint, c.relkind::text, a.attname::text, format_type(a.atttypid, a.atttypmod) "
        "FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        f"WHERE c.oid = to_regclass({DIALECT.literal(name)}) ORDER BY a.attnum"
    )
    if not found:
        return None
    columns = tuple((column, type_) for _, _, column, type_ in found if column is not None)
    return Existing(found[0][0], found[0][1], name, columns)


def written_columns(statements: Statements, table: Existing) -> list[str]:
    """The columns that accept values, which are not always computed by the table."""
    found = statements.rows(
        f"SELECT attname::text FROM pg_attribute WHERE attrelid = {table.oid} AND attnum > 0 AND NOT attisdropped "
        "AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum"
    )
    return [name for (name,) in found]


def lock(statements: Statements, name: str) -> None:
    """Wait until no other dagscope is creating the same relation or schema, and lock it for the transaction."""
    statements.execute(f"SELECT pg_advisory_xact_lock(hashtext('dagscope'), hashtext({DIALECT.literal(name)}))")


def create_table(statements: Statements, name: str, query: str, keys: TableKeys) -> int:
    """Create a table that does not exist yet. The query follows `AS` on the same line: its line numbers stay valid."""
    create, *key_statements = MATERIALIZATIONS.table(name, query, keys, existing=None)
    rows = statements.execute(create)
    for statement in key_statements:
        statements.execute(statement)
    return rows


def replace_table(
    statements: Statements,
    old: Existing,
    query: str,
    columns: tuple[tuple[str, str], ...],
    keys: TableKeys,
    remade: Container[str],
) -> int:
    """Replace the relation's contents with the query's rows, which have these columns."""
    if can_keep(old, columns):
        with emptied(statements, old, keys):
            return statements.execute(MATERIALIZATIONS.append(old.name, query))
    with replaced(statements, old, remade):
        return create_table(statements, old.name, query, keys)


def can_keep(old: Existing, columns: tuple[tuple[str, str], ...]) -> bool:
    """Whether the table itself can stay and only its rows need replacing."""
    return old.code in "rp" and old.columns == columns


@contextmanager
def emptied(statements: Statements, table: Existing, keys: TableKeys) -> Iterator[None]:
    """Deletes all rows and the keys that are no longer wanted; the block inserts rows, then missing keys are created.

    DELETE, because after TRUNCATE a reader with an older snapshot would see an empty table. The lock allows readers.
    """
    statements.execute(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE")
    _refuse_to_cascade(statements, table)
    kept = _drop_other_keys(statements, table, keys)
    statements.execute(MATERIALIZATIONS.empty(table.name))
    yield
    for statement in MATERIALIZATIONS.keys(table.name, kept):
        statements.execute(statement)


def _refuse_to_cascade(statements: Statements, table: Existing) -> None:
    """Deleting rows must not change other tables."""
    found = statements.rows(
        f"SELECT conname::text, conrelid::regclass::text FROM pg_constraint WHERE confrelid = {table.oid} "
        "AND contype = 'f' AND confdeltype IN ('c', 'n', 'd') ORDER BY 1 LIMIT 1"
    )
    for constraint, other in found:
        raise StatementFailed(
            statements.connection,
            f'foreign key "{constraint}" of {other} refers to {table.name}: replacing the rows of {table.name} would '
            f"change those of {other}; make the key ON DELETE NO ACTION DEFERRABLE, or drop it",
        )


@contextmanager
def replaced(statements: Statements, old: Existing, remade: Container[str] = ()) -> Iterator[None]:
    """Drops the old relation; the block creates the new one. Views on it are recreated, with owners and grants.

    A view that no longer fits is lost if it is in `remade`; otherwise raises `StatementFailed`, which names it.
    """
    views = _dependents(statements, old.oid)
    grants = [] if old.code == "f" else _grants(statements, old.oid, old.name)
    for view in reversed(views):
        statements.execute(view.drop)
    statements.execute(old.drop)
    yield
    for grant in grants:
        statements.execute(grant)
    for view in views:
        _create_again(statements, view, old, remade)


@dataclass(frozen=True)
class _Dependent:
    name: str
    asset: str
    drop: str
    create: tuple[str, ...]


def _dependents(statements: Statements, oid: int) -> list[_Dependent]:
    """Views and materialized views on a relation, direct and indirect, each after those that it reads."""
    found = statements.rows(
        "WITH RECURSIVE reader(oid, depth) AS ("
        f" SELECT {oid}::oid, 0 UNION SELECT r.ev_class, reader.depth + 1 FROM reader"
        " JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reader.oid"
        " AND d.classid = 'pg_rewrite'::regclass"
        " JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> reader.oid) "
        "SELECT c.oid::bigint, c.relkind::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), "
        "n.nspname || '.' || c.relname, pg_get_viewdef(c.oid), array_to_string(c.reloptions, ', '), "
        "CASE WHEN c.relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user) "
        "THEN quote_ident(pg_get_userbyid(c.relowner)) END "
        "FROM (SELECT oid, max(depth) AS depth FROM reader WHERE depth > 0 GROUP BY oid) AS latest "
        "JOIN pg_class c ON c.oid = latest.oid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "ORDER BY latest.depth, c.oid"
    )
    return [_dependent(statements, _View(*row)) for row in found]


class _View(NamedTuple):
    """A view as the catalogue has it; `owner` is None if it is the current user."""

    oid: int
    code: str
    name: str
    asset: str
    query: str
    options: str | None
    owner: str | None


def _dependent(statements: Statements, view: _View) -> _Dependent:
    words = "MATERIALIZED VIEW" if view.code == "m" else "VIEW"
    given = f" WITH ({view.options})" if view.options else ""
    indexes = statements.rows(f"SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {view.oid}")
    create = [f"CREATE {words} {view.name}{given} AS {view.query}"]
    create += [index for (index,) in indexes]
    create += _grants(statements, view.oid, view.name)
    if view.owner is not None:
        create.append(f"ALTER {words} {view.name} OWNER TO {view.owner}")
    return _Dependent(view.name, view.asset, f"DROP {words} {view.name}", tuple(create))


def _grants(statements: Statements, oid: int, name: str) -> list[str]:
    """Statements that restore the relation's current privileges."""
    found = statements.rows(
        "SELECT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, "
        "g.privilege_type, g.is_grantable FROM pg_class c, aclexplode(c.relacl) g "
        f"WHERE c.oid = {oid} AND g.grantee <> c.relowner ORDER BY 1, 2"
    )
    return [
        f"GRANT {privilege} ON {name} TO {grantee}" + (" WITH GRANT OPTION" if grantable else "")
        for grantee, privilege, grantable in found
    ]


def _create_again(statements: Statements, view: _Dependent, relation: Existing, remade: Container[str]) -> None:
    statements.execute("SAVEPOINT dagscope_view")
    try:
        for statement in view.create:
            statements.execute(statement)
    except StatementFailed as error:
        statements.execute("ROLLBACK TO SAVEPOINT dagscope_view")
        if view.asset in remade:
            return
        raise StatementFailed(
            statements.connection,
            f"view {view.name} reads {relation.name} and does not fit its new columns; change or drop the view: "
            f"{error.reason}",
        ) from error
    statements.execute("RELEASE SAVEPOINT dagscope_view")


def replace_view(statements: Statements, name: str, query: str, remade: Container[str]) -> None:
    """Create or replace a view; if its columns change, the view and the views on it are recreated."""
    old = existing(statements, name)
    if old is None or old.code == "v":
        statements.execute("SAVEPOINT dagscope_replace")
        try:
            for statement in MATERIALIZATIONS.view(name, query, old.kind if old else None):
                statements.execute(statement)
        except StatementFailed as error:
            if old is None or statements.sql_state(error) != _INVALID_TABLE_DEFINITION:
                raise
            statements.execute("ROLLBACK TO SAVEPOINT dagscope_replace")
        else:
            return
    with replaced(statements, old, remade):
        statements.execute(f"CREATE VIEW {name} AS {query}")


# -- primary keys and indexes


def _drop_other_keys(statements: Statements, table: Existing, keys: TableKeys) -> TableKeys:
    """Drop the indexes that are not as wanted, and any primary key; those that are still to be made."""
    found = statements.rows(
        "SELECT i.indexrelid::regclass::text, c.relname::text, i.indisprimary, i.indisunique, "
        "(SELECT conname::text FROM pg_constraint WHERE conindid = i.indexrelid AND conrelid = i.indrelid), "
        "CASE WHEN i.indpred IS NULL AND i.indexprs IS NULL AND am.amname = 'btree' THEN ARRAY("
        "SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.place) END "
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam "
        f"WHERE i.indrelid = {table.oid} ORDER BY 2"
    )
    indexes = list(keys.indexes)
    for sql_name, name, is_primary, is_unique, constraint, columns in found:
        if is_primary:
            _drop_primary_key(statements, table, constraint, columns or [])
        elif constraint is None:
            same = [x for x in indexes if (x.name, x.unique, x.fields) == (name, is_unique, columns)]
            if same:
                indexes.remove(same[0])
            else:
                statements.execute(f"DROP INDEX {sql_name}")
    return TableKeys(tuple(indexes))


def _drop_primary_key(statements: Statements, table: Existing, constraint: str, columns: list[str]) -> None:
    """Also drops NOT NULL from the key's columns, which would otherwise stay."""
    statements.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {DIALECT.identifier(constraint)}")
    for column in columns:
        statements.execute(f"ALTER TABLE {table.name} ALTER COLUMN {DIALECT.identifier(column)} DROP NOT NULL")
