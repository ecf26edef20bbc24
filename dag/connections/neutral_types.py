"""Column types in a vocabulary that belongs to no engine; each engine maps its own types to it and back.

A neutral type is recorded for a column that Arrow has no type for. Its text is for example `uuid`, `decimal(50,2)`,
`list<uuid>` or `struct<uuid, plain>`: the parts of a nested type have the order of the Arrow type.
"""

import re
from dataclasses import dataclass

PLAIN = "plain"
"""Arrow's own type is exact; used for parts of a nested type whose other parts need a neutral type."""

UUID = "uuid"
JSON = "json"
DECIMAL = "decimal"
"""With precision and scale, or of any length; the text may be NaN or infinite."""

INTEGER = "integer"
"""A whole number of any length."""

SIGNED_128 = "integer128"
UNSIGNED_128 = "unsigned128"
TIME_WITH_ZONE = "time-with-zone"
BITS = "bits"
OTHER = "other"
"""A type that only its own engine knows."""

LIST, STRUCT, MAP = "list", "struct", "map"

NUMBERS = frozenset({DECIMAL, INTEGER, SIGNED_128, UNSIGNED_128})
"""Types whose text is a number."""

_TOKEN = re.compile(r"[a-z0-9-]+|[<>(),]")


@dataclass(frozen=True)
class NeutralType:
    """A type: its name, its sizes (precision and scale), and its parts if it is nested."""

    name: str
    sizes: tuple[int, ...] = ()
    parts: tuple["NeutralType", ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether Arrow's own type is exact, in every part."""
        return all(part.is_plain for part in self.parts) if self.parts else self.name == PLAIN

    def __str__(self) -> str:
        sizes = f"({','.join(map(str, self.sizes))})" if self.sizes else ""
        parts = f"<{', '.join(map(str, self.parts))}>" if self.parts else ""
        return self.name + sizes + parts

    @classmethod
    def parse(cls, text: str) -> "NeutralType":
        """The type that the text describes.

        >>> type_ = NeutralType.parse("struct<decimal(50,2), list<uuid>>")
        >>> type_.parts[0].sizes, type_.parts[1].parts[0].name
        ((50, 2), 'uuid')
        """
        return _parsed(_TOKEN.findall(text)[::-1])

    def as_list(self) -> "NeutralType":
        return NeutralType(LIST, parts=(self,))


def _parsed(tokens: list[str]) -> NeutralType:
    """The type at the end of the tokens, which are in reverse order; removes the tokens that it reads."""
    name, sizes, parts = tokens.pop(), [], []
    if tokens[-1:] == ["("]:
        while tokens.pop() != ")":
            sizes.append(int(tokens.pop()))
    if tokens[-1:] == ["<"]:
        while tokens.pop() != ">":
            parts.append(_parsed(tokens))
    return NeutralType(name, tuple(sizes), tuple(parts))
