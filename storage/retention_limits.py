"""How much is kept of the state.

Apart from what deletes the rest: the settings of all commands name it, and `check` and `graph` need no SQLAlchemy.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """What is kept: nothing older than `keep_days`, and at most `keep_bytes` of tasks."""

    keep_days: float | None = None
    keep_bytes: int | None = None

    @property
    def is_unlimited(self) -> bool:
        return self.keep_days is None and self.keep_bytes is None
