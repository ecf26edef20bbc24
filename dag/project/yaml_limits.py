"""Limits of a YAML text, checked before anything is built from it.

libyaml composes nested values by recursion and crashes the process if they are nested too deeply, and a few lines of
aliases can stand for billions of values.
"""

from collections.abc import Iterable

import yaml

DEEPEST = 100  # levels of lists and mappings
MOST_VALUES = 100_000  # keys and values; an alias counts as all the values that it stands for


def check_limits(events: Iterable[yaml.Event]) -> None:
    """Raises `yaml.YAMLError` with the place where the text exceeds a limit."""
    began: list[tuple[str | None, int]] = []  # the open lists and mappings: anchor, and number of values before
    sizes: dict[str | None, int] = {}
    total = 0
    for event in events:
        match event:
            case yaml.CollectionStartEvent():
                began.append((event.anchor, total))
                total += 1
            case yaml.CollectionEndEvent():
                anchor, before = began.pop()
                sizes[anchor] = total - before
            case yaml.ScalarEvent():
                sizes[event.anchor] = 1
                total += 1
            case yaml.AliasEvent():
                total += sizes.get(event.anchor, 1)
        if len(began) > DEEPEST:
            raise _refused(f"nested more than {DEEPEST} levels deep", event)
        if total > MOST_VALUES:
            raise _refused(f"more than {MOST_VALUES:,} keys and values, counting what aliases stand for", event)


def _refused(reason: str, event: yaml.Event) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=reason, problem_mark=event.start_mark)  # type: ignore[arg-type]  # libyaml's own mark
