"""Messages of Spark, without the plan and the JVM's stack trace, and the place in the statement that they name."""

import re

_TRACE = re.compile(r"\s*\n+(?:JVM stacktrace:|Driver stacktrace:|\tat [\w.$]+\().*", re.DOTALL)
_CLASS = re.compile(r"^\((?:[\w$]+\.)+[\w$]+\)\s+")
_QUOTED_SQL = re.compile(r"\s*\n== (?:SQL|DataFrame)\b.*", re.DOTALL)
_PLAN = re.compile(r";(?: line \d+ pos \d+;?)?\s*\n['+:A-Z].*|; line \d+ pos \d+;?\s*$", re.DOTALL)
_PARSED_PLACE = re.compile(r"\s*\(line (?P<line>\d+), pos (?P<column>\d+)\)\s*$")
_DETAILS = re.compile(r'^\s*details = "(.*)"$', re.MULTILINE)  # of gRPC's own errors
_CONFLICT = re.compile(
    r"DELTA_CONCURRENT|DELTA_(?:METADATA|PROTOCOL)_CHANGED|Concurrent\w*Exception|CommitFailedException"
)


def database_text(text: str) -> str:
    """Spark's own message: what is wrong, its condition and its SQLSTATE.

    >>> database_text("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012\\n== SQL (line 1, position 8) ==\\n...")
    '[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012'
    >>> database_text("[X] No column. SQLSTATE: 42703; line 2 pos 2;\\n'Project [1]\\n\\nJVM stacktrace:\\norg...")
    '[X] No column. SQLSTATE: 42703'
    """
    text = _CLASS.sub("", _QUOTED_SQL.sub("", _TRACE.sub("", text.strip())))
    return _PARSED_PLACE.sub("", _PLAN.sub("", text)).strip()


def parsed_offset(sql: str, text: str) -> int | None:
    """The offset that a syntax error names in its text, as `(line 2, pos 4)`; None if it names none."""
    found = _PARSED_PLACE.search(_QUOTED_SQL.sub("", _TRACE.sub("", text)))
    lines = sql.split("\n")
    if found is None or not 1 <= int(found["line"]) <= len(lines):
        return None
    number = int(found["line"])
    return sum(len(line) + 1 for line in lines[: number - 1]) + int(found["column"])


def with_place(text: str, sql: str, offset: int | None) -> str:
    """The message, followed by the line of `sql` that it is about, with a marker below the place.

    >>> print(with_place("no such column", "SELECT 1,\\n  nope", 12))
    no such column
    <BLANKLINE>
    LINE 2:   nope
              ^
    """
    if offset is None:
        return text
    number, start = sql.count("\n", 0, offset) + 1, sql.rfind("\n", 0, offset) + 1
    line = sql[start:].split("\n", 1)[0]
    prefix = f"LINE {number}: "
    return f"{text}\n\n{prefix}{line}\n{' ' * (len(prefix) + offset - start)}^"


def is_conflict(text: str) -> bool:
    """Whether another session's change at the same time is the reason."""
    return _CONFLICT.search(text) is not None


def lost(place: str, text: str) -> str:
    """The message for a statement that was running when the server or its session went away."""
    told = _DETAILS.search(text)
    reason = (told[1] if told else database_text(text)).split("\n", 1)[0] or "the connection was closed"
    return f"lost the session at {place} while a statement was running ({reason}); run again when the server is back"


def connection_failure(text: str, place: str, host: str) -> str:
    """Why connecting failed and what to do, derived from gRPC's text."""
    if "UNAUTHENTICATED" in text or "authentication token" in text.lower():
        return f"the server at {place} refuses the token; correct token"
    if "DNS resolution failed" in text or "Name or service not known" in text:
        return f'host "{host}" cannot be resolved; correct host'
    if "SSL" in text or "handshake" in text.lower() or "TLS" in text:
        return f"the server at {place} does not speak TLS, or its certificate is not trusted; correct tls"
    if "refused" in text or "UNAVAILABLE" in text or "failed to connect" in text.lower():
        return f"no Spark Connect server is listening at {place}; start it, or correct host and port"
    return f"cannot connect to {place}: {' '.join(database_text(text).split())}"
