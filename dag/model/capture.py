"""How many rows of relations are kept with the task that wrote them."""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

_ROWS = re.compile(r"rows ([0-9]{1,18})")


@dataclass(frozen=True)
class Capture:
    """The first `rows` rows of a relation are kept; None for all, and 0 for no others than those of framed assets."""

    rows: int | None

    @classmethod
    def parse(cls, text: str) -> "Capture":
        """What is written in a file, or sent. Raises `ValueError`.

        >>> Capture.parse("rows 500"), Capture.parse("all"), Capture.parse("framed")
        (Capture(rows=500), Capture(rows=None), Capture(rows=0))
        """
        if text in ("framed", "all"):
            return cls(0 if text == "framed" else None)
        found = _ROWS.fullmatch(text)
        if found is None:
            raise ValueError('"capture" must be framed, all, or rows and a number, such as rows 500')
        return cls(int(found[1]))

    @property
    def text(self) -> str:
        """As it is written."""
        return "all" if self.rows is None else f"rows {self.rows}"


DEFAULT_CAPTURE = Capture(10_000)
"""If nothing else is asked for. It does not execute views."""


def _checked(text: str) -> str:
    Capture.parse(text)
    return text


CaptureText = Annotated[
    str, AfterValidator(_checked), Field(json_schema_extra={"pattern": "^(framed|all|rows [0-9]{1,18})$"})
]
"""A capture as it is written."""
