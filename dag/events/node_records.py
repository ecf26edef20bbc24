"""What the execution of a node leaves, so that two executions can be compared later: code, columns, fingerprints."""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from dagscope.dag.ground.frames import Frame

LONGEST_CODE = 100_000  # characters; of longer code only the beginning is stored
_DIGEST_BYTES = 20
_OF_FRAME = "frame"


class Code(msgspec.Struct, frozen=True):
    """The code of an asset or a data test: as it is written, and the SQL that it became in a task ("" for Python).

    `digest` names the whole of both, also if only their beginnings are stored.
    """

    digest: str
    source: str
    sql: str

    @classmethod
    def of(cls, source: str, sql: str = "") -> "Code":
        """The code with that text; secrets must be hidden in it already."""
        digest = blake2b(f"{len(source)}:{source}{sql}".encode("utf-8", "replace"), digest_size=_DIGEST_BYTES)
        return cls(digest.hexdigest(), source[:LONGEST_CODE], sql[:LONGEST_CODE])


class RecordedColumn(msgspec.Struct, frozen=True, array_like=True):
    """A column, with its type as the engine names it; "" if it has no engine."""

    name: str
    type: str


class NodeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What one execution of an asset left; what is not known is None, and `note` says why.

    `engine` is its name and version, `settings` what its connection sets, as JSON. `rows` counts those of the whole
    relation. `upstreams` are the fingerprints of all upstreams that it read, "" if one is not known. `captured` are
    its first rows, or all of them if it `is_whole`; those of a data-framed asset are its result.
    """

    code: Code
    engine: str = ""
    settings: str = "{}"
    columns: tuple[RecordedColumn, ...] | None = None
    rows: int | None = None
    fingerprint: str | None = None
    upstreams: Mapping[str, str] = {}
    captured: Frame | None = None
    is_whole: bool = False
    note: str = ""


def engine_fingerprint(engine: str, rows: int, total: int) -> str:
    """The fingerprint of rows whose hashes add up to `total`; equal rows have an equal one, in whatever order."""
    return f"{engine} {rows}:{total % 2**64:016x}"


def frame_fingerprint(digest: str) -> str:
    """The fingerprint of a stored result, which depends on the order of its rows too."""
    return f"{_OF_FRAME} {digest}"


def same_data(one: str | None, other: str | None) -> bool | None:
    """Whether two fingerprints are of the same rows; None if that cannot be said, as of different engines' ones."""
    if not one or not other:
        return None
    if one == other:
        return True
    (kind, _), (other_kind, _) = (text.rsplit(" ", 1) for text in (one, other))
    return False if kind == other_kind and kind != _OF_FRAME else None
