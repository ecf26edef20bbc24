"""The tags of a template: where each begins and ends, and the words in it. One pass, linear in the text."""

import re
from dataclasses import dataclass
from itertools import islice

_OPEN = re.compile(r"\{\{[-+]?\s*/\*|\{\{\{|\{\{|\{%|\{#")
_STRING = r"""(?s:"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z)|`[^`]*(?:`|\Z))"""
_INSIDE = re.compile(rf"(?P<string>{_STRING})|(?P<end>[-+]?%\}})|(?P<open>[(\[{{])|(?P<close>[)\]}}])")
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<word>[^\W\d]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<space>\s+)|&&|\|\||!=|(?s:.)"
)
_GO_COMMENT_END = re.compile(r"\*/\s*[-+]?\}\}")


@dataclass(frozen=True)
class Tag:
    """One tag or comment: `{{ body }}`, say. `start` and `end` are offsets in the text, `opening` is as it is written.

    A `+` or `-` beside the body, which says what becomes of the space around the tag, is its `left` and `right`.
    """

    start: int
    end: int
    opening: str
    left: str = ""
    body: str = ""
    right: str = ""

    @property
    def is_comment(self) -> bool:
        return self.opening in ("{#", "{{/*")


@dataclass(frozen=True)
class Token:
    """One word, string, number, sign or space of a tag."""

    kind: str
    text: str


def tag_after(text: str, position: int) -> Tag | None:
    """The first tag from there on; None too for one that does not end, which is for Jinja to refuse.

    >>> tag_after("SELECT {{ a('}}') }}", 0).body
    " a('}}') "
    """
    opening = _OPEN.search(text, position)
    return _tag(text, opening) if opening else None


def tokens(body: str, most: int | None = None) -> list[Token]:
    """The words of a tag's body, or the first of them. The texts of all together are the body.

    >>> [token.text for token in tokens('a|b:"c"')]
    ['a', '|', 'b', ':', '"c"']
    """
    return [Token(match.lastgroup or "sign", match.group()) for match in islice(_TOKEN.finditer(body), most)]


def _tag(text: str, opening: re.Match[str]) -> Tag | None:
    start = opening.start()
    match opening.group():
        case "{#":
            end = text.find("#}", opening.end())
            return Tag(start, end + 2, "{#") if end >= 0 else None
        case "{{{":
            return _to_its_end(text, start, "{{{") or _to_its_end(text, start, "{{")
        case "{{" | "{%" as written:
            return _to_its_end(text, start, written)
        case _:
            closing = _GO_COMMENT_END.search(text, opening.end())
            if closing is None:
                return None
            left = "-" if "-" in opening.group() else ""
            return Tag(start, closing.end(), "{{/*", left=left, right="-" if "-" in closing.group() else "")


def _to_its_end(text: str, start: int, opening: str) -> Tag | None:
    """The tag that ends where its brackets are closed; a string in it may hold anything."""
    closing = {"{{{": "}}}", "{{": "}}", "{%": "%}"}[opening]
    inside, depth = start + len(opening), 0
    for found in _INSIDE.finditer(text, inside):
        if found["open"]:
            depth += 1
        elif found["end"] and opening == "{%":
            return _parted(text, start, opening, found.end())
        elif found["close"] and depth:
            depth -= 1
        elif found["close"] == "}" and opening != "{%":
            end = found.start() + len(closing)
            return _parted(text, start, opening, end) if text.startswith(closing, found.start()) else None
    return None


def _parted(text: str, start: int, opening: str, end: int) -> Tag:
    body = text[start + len(opening) : end - len(opening)]
    left = body[:1] if body[:1] in ("-", "+") else ""
    right = (
        "-" if body[len(left) :].endswith("-") else "+" if opening == "{%" and body[len(left) :].endswith("+") else ""
    )
    return Tag(start, end, opening, left, body[len(left) : len(body) - len(right)], right)
