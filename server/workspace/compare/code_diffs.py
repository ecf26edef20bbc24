"""Unified diffs of code, whose cost is bounded whatever the code contains."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CONTEXT = 3  # lines around each change
_MOST_CELLS = 1_000_000  # the product of the lines: searching more for equal ones takes seconds


@dataclass(frozen=True)
class CodeDiff:
    """The lines that were added and removed, as a unified diff without file names, and their numbers."""

    text: str
    added: int
    removed: int

    @property
    def changed_lines(self) -> str:
        """The lines that were added or removed, without those around them."""
        return "\n".join(line[1:] for line in self.text.splitlines() if line[:1] in ("+", "-"))


def code_diff(before: str, after: str) -> CodeDiff:
    """The difference of two texts.

    >>> print(code_diff("SELECT a\\nFROM t", "SELECT b\\nFROM t").text)
    @@ -1,2 +1,2 @@
    -SELECT a
    +SELECT b
     FROM t
    """
    old, new = before.splitlines(), after.splitlines()
    groups = list(_grouped(_opcodes(old, new)))
    lines: list[str] = []
    for group in groups:
        lines.append(_head(group))
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                lines += (f" {line}" for line in old[old_start:old_end])
            else:
                lines += (f"-{line}" for line in old[old_start:old_end])
                lines += (f"+{line}" for line in new[new_start:new_end])
    changed = [code for group in groups for code in group if code[0] != "equal"]
    added = sum(end - start for *_, start, end in changed)
    return CodeDiff("\n".join(lines), added, sum(end - start for _, start, end, *_ in changed))


_Opcode = tuple[str, int, int, int, int]


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Iterator[_Opcode]:
    """How the old lines become the new ones; equal lines at both ends are not searched."""
    most = min(len(old), len(new))
    head = next((place for place in range(most) if old[place] != new[place]), most)
    tail = next((place for place in range(most - head) if old[-1 - place] != new[-1 - place]), most - head)
    old_end, new_end = len(old) - tail, len(new) - tail
    if head:
        yield "equal", 0, head, 0, head
    if (old_end - head) * (new_end - head) > _MOST_CELLS:
        yield "replace", head, old_end, head, new_end
    elif old_end > head or new_end > head:
        matcher = difflib.SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False)
        for kind, old_start, old_stop, new_start, new_stop in matcher.get_opcodes():
            yield kind, old_start + head, old_stop + head, new_start + head, new_stop + head
    if tail:
        yield "equal", old_end, len(old), new_end, len(new)


def _grouped(codes: Iterator[_Opcode]) -> Iterator[list[_Opcode]]:
    """The changes with a few lines around them; equal lines between two of them that are too many end a group."""
    group: list[_Opcode] = []
    for kind, old_start, old_end, new_start, new_end in codes:
        length = old_end - old_start
        if kind != "equal":
            group.append((kind, old_start, old_end, new_start, new_end))
            continue
        if group and length > 2 * _CONTEXT:
            yield [*group, (kind, old_start, old_start + _CONTEXT, new_start, new_start + _CONTEXT)]
            group = []
        kept = length if group else min(length, _CONTEXT)
        group.append((kind, old_end - kept, old_end, new_end - kept, new_end))
    if any(kind != "equal" for kind, *_ in group):
        *before, last = group
        kind, old_start, old_end, new_start, new_end = last
        kept = min(old_end - old_start, _CONTEXT)
        is_equal = kind == "equal"
        yield [*before, (kind, old_start, old_start + kept, new_start, new_start + kept) if is_equal else last]


def _head(group: Sequence[_Opcode]) -> str:
    _, old_start, _, new_start, _ = group[0]
    _, _, old_end, _, new_end = group[-1]
    return f"@@ -{_range(old_start, old_end)} +{_range(new_start, new_end)} @@"


def _range(start: int, end: int) -> str:
    """As unified diffs have it: an empty range names the line before it."""
    return f"{start + 1 if end > start else start},{end - start}"
