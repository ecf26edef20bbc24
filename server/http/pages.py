"""Which rows of an answer are asked for."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Page:
    """The rows that are asked for; all after `offset` without a limit. Answers name it if `is_told`."""

    offset: int = 0
    limit: int | None = None
    is_told: bool = False

    @property
    def is_whole(self) -> bool:
        return not self.offset and self.limit is None

    def slice(self, table: pa.Table) -> pa.Table:
        return table.slice(self.offset, self.limit)
