"""Python's own parser, for one thread at a time.

Python 3.11 counts how deep all its parsers are in one place, and raises `SystemError` if two work at the same time.
"""

import ast
import os
import threading

_parsing = threading.Lock()
os.register_at_fork(before=_parsing.acquire, after_in_parent=_parsing.release, after_in_child=_parsing.release)


def parsed(source: str | bytes, filename: str = "<unknown>") -> ast.Module:
    """The syntax tree of a module. Raises what `ast.parse` does."""
    with _parsing:
        return ast.parse(source, filename)
