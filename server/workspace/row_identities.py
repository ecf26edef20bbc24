"""What identifies each row of kept frames, so that rows of several tasks can be compared: a hash of its key or values.

A frame never changes, so neither do its identities, which are kept. New frames are read and hashed in one query for
all that have the same columns.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from dagscope.dag.connections.arrow_types import plain, unique_names
from dagscope.dag.ground.cancellation import Cancellation
from dagscope.dag.ground.errors import FrameDamaged, TypeNotKept
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.frames import Frame
from dagscope.dag.redaction.masking import masked_places
from dagscope.server.workspace.frame_queries import FrameQueries, named
from dagscope.server.workspace.newest import Newest

_KEPT_BYTES = 32 * 2**20
_SIZE_OF_COLUMN = 200  # bytes, about: its name and type

Columns = tuple[tuple[str, str], ...]
"""Names and types. Whole numbers count as one type, so that a wider one is no change."""


@dataclass(frozen=True)
class Comparing:
    """How rows are compared: by these fields where a frame has all of them, else by all columns. Never by masked ones.

    Names are compared without case, as databases do.
    """

    key_fields: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()


@dataclass(frozen=True)
class Identities:
    """`hashes` of the rows in the order of the frame, comparable with those of frames that have the same `compared`.

    `columns` are all of the frame, `is_by_key` says that only the key was compared.
    """

    columns: Columns
    compared: Columns
    is_by_key: bool
    hashes: pa.Array


class RowIdentities:
    """Safe from any thread."""

    def __init__(self, frames: FrameFiles, queries: FrameQueries) -> None:
        self._frames, self._queries = frames, queries
        self._kept = Newest[Identities](_KEPT_BYTES)

    def of(
        self, frames: Iterable[Frame], comparing: Comparing, cancellation: Cancellation
    ) -> tuple[Mapping[str, Identities], Mapping[str, str]]:
        """The identities of the rows of each frame by its digest, and why other frames cannot be read.

        Raises `RowsNotFound` or `Cancelled`.
        """
        found: dict[str, Identities] = {}
        unread: dict[str, str] = {}
        alike: dict[pa.Schema, dict[str, pa.Table]] = defaultdict(dict)
        for frame in frames:
            kept = self._kept.get((frame.digest, comparing))
            if kept is not None:
                found[frame.digest] = kept
                continue
            try:
                table = self._frames.read(frame.digest)
            except FrameDamaged as error:
                unread[frame.digest] = str(error)
            else:
                alike[table.schema][frame.digest] = table
        for tables in alike.values():
            try:
                found |= self._identified(tables, comparing, cancellation)
            except TypeNotKept as error:
                unread |= dict.fromkeys(tables, str(error))
        return found, unread

    def _identified(
        self, tables: Mapping[str, pa.Table], comparing: Comparing, cancellation: Cancellation
    ) -> dict[str, Identities]:
        """Those of frames that have the same columns. Raises also `TypeNotKept`."""
        rows = plain(pa.concat_tables(tables.values()).to_reader()).read_all()
        chosen = _chosen(rows.schema, comparing)
        hashes = self._hashes(rows.select(chosen.places), cancellation)
        found, start = {}, 0
        for digest, table in tables.items():
            own = hashes.slice(start, table.num_rows)
            start += table.num_rows
            found[digest] = Identities(chosen.columns, chosen.compared, chosen.is_by_key, own)
            self._kept.keep((digest, comparing), found[digest], own.nbytes + _SIZE_OF_COLUMN * len(chosen.columns))
        return found

    def _hashes(self, rows: pa.Table, cancellation: Cancellation) -> pa.Array:
        """A hash of each row. Whole numbers of all sizes have the same one."""
        values = [
            f"CAST(c{place} AS HUGEINT)" if pa.types.is_integer(field.type) else f"c{place}"
            for place, field in enumerate(rows.schema)
        ]
        if not values:
            return pa.repeat(pa.scalar(0, pa.uint64()), rows.num_rows)
        with self._queries.cursor(cancellation) as cursor:
            cursor.register("chosen", named(rows))
            hashes = cursor.sql(f"SELECT hash({', '.join(values)}) FROM chosen").to_arrow_table().column(0)
        return hashes.combine_chunks()


@dataclass(frozen=True)
class _Chosen:
    """The places of the columns to compare, and what the identities have besides the hashes."""

    places: list[int]
    columns: Columns
    compared: Columns
    is_by_key: bool


def _chosen(schema: pa.Schema, comparing: Comparing) -> _Chosen:
    names = [name.lower() for name in unique_names(schema.names)]
    types = ["whole number" if pa.types.is_integer(type_) else str(type_) for type_ in schema.types]
    masked = masked_places(names, comparing.mask)
    open_places = {name: place for place, name in enumerate(names) if place not in masked}
    keys = [open_places[field.lower()] for field in comparing.key_fields if field.lower() in open_places]
    is_by_key = bool(keys) and len(keys) == len(comparing.key_fields)
    places = keys if is_by_key else [open_places[name] for name in sorted(open_places)]
    compared = tuple((names[place], types[place]) for place in places)
    if not is_by_key:  # a masked column that comes or goes is a change too, though its values are not compared
        compared += tuple(sorted((names[place], "") for place in masked))
    return _Chosen(places, tuple(sorted(zip(names, types, strict=True))), compared, is_by_key)
