"""Which rows of a result are requested."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Page:
    """The requested rows; all after `offset` without a limit. Answers report the page if `is_reported`."""

    offset: int = 0
    limit: int | None = None
    is_reported: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.offset and self.limit is None

    def slice(self, table: pa.Table) -> pa.Table:
        return table.slice(self.offset, self.limit)
