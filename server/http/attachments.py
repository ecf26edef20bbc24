"""Answers that a browser saves as a file."""

import re
from urllib.parse import quote

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)


def attachment(name: str) -> dict[str, str]:
    """The headers of an answer that is saved under a name, whatever characters it has.

    >>> attachment("été.jsonl")["Content-Disposition"]
    'attachment; filename="_t_.jsonl"; filename*=UTF-8\\'\\'%C3%A9t%C3%A9.jsonl'
    """
    plain = _UNSAFE.sub("_", name).lstrip(".") or "_"
    extended = f"; filename*=UTF-8''{quote(name, safe='')}" if plain != name else ""
    return {"Content-Disposition": f'attachment; filename="{plain}"{extended}'}
