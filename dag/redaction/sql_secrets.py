"""Secrets that their position in a text reveals: in connection strings, in CREATE SECRET, after PASSWORD.

Works on SQL, on database errors and on lines of Python: it looks for patterns and parses nothing.

The time grows linearly with the length of the text, whatever it contains. Each expression starts with rare letters,
which Python's `re` finds quickly, expects lower case, and never scans a stretch again from another starting place. A
literal or comment that is not closed reaches to the end.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from dagscope.dag.ground.lower_case import lower
from dagscope.dag.ground.sql_lexing import LINE_COMMENT, NAME, TEXT, block_comment_end

Found = tuple[int, int, bool]
"""Start and end of a secret in a text, and whether it is secret everywhere else too."""

_HINTS = ("secret", "passw", "pwd", "token", "_key", "key_id", "passphrase", "connection_string", "://")


def _after_each(words: str, not_after: str, rest: str) -> tuple[re.Pattern[str], ...]:
    """One expression per word, which must not follow any of these characters."""
    return tuple(re.compile(rf"{word}(?<!{not_after}{word}){rest}", re.DOTALL) for word in words.split())


_NAMED = _after_each(
    "secret password passwd passphrase token access_key account_key encryption_key key_id connection_string",
    r"[^\W_]",
    rf"\s++{TEXT}",
)
"""`PASSWORD 'x'`, as an option of CREATE SECRET, CREATE ROLE, ATTACH, OPTIONS; `password "x"` names a column."""

_SETTING = re.compile(
    r"set(?<!\wset)\s++(?:(?:global|session|local)\s++)?+\"?+"
    r"(?=[\w.]*?(?:secret(?!s|_directory|_storage)|password(?!_enc)|token(?!s)|access_key|key_id|account_key|"
    rf"connection_string|encryption_key))[\w.]++\"?+\s*+(?:=|to\b)\s*+(?:{TEXT}|{NAME})",
    re.DOTALL,
)

_UPDATE = re.compile(r"update(?<!\wupdate)\b")

_PAIR = _after_each(
    "password passwd pwd sslpassword passphrase motherduck_token",
    r"[\w.]",
    r"(?P<space>\s*+)=\s*+"
    r"""(?:''(?P<twice>[^'\\]*+(?:\\.[^'\\]*+)*+)''|'(?P<quoted>(?:[^'\\]++|\\.?+|'')++)(?:'|\Z)|"""
    r"""\\?"(?P<named>[^"\\]+)\\?"|(?P<plain>[^\s'"&;,()\\<>{}]+)(?![\w(]))""",
)
"""`password=x` of a connection string."""

_CONNECTION_STRING = re.compile(
    r"(?:host(?<!\whost)(?:addr)?|dbname(?<!\wdbname)|port(?<!\wport)|sslmode(?<!\wsslmode))\s*+=|"
    r"(?:user(?<!\wuser)|uid(?<!\wuid))=\S"
)

_ADDRESS = re.compile(r"://[^\s:/@'\"<>]*+:(?P<password>[^\s/'\"<>]+)@")

_QUERY = re.compile(r"[?&](?:\w*(?:password|passwd|token|secret|api_?key))=(?P<value>[^\s&'\"<>()]+)")

_CREATE_SECRET = re.compile(
    r"create(?<!\wcreate)\s++(?:or\s++replace\s++)?+(?:(?:persistent|temporary|temp)\s++)?+secret\b"
    r"(?:\"[^\"]*+\"|(?!\bcreate\b)[^('\";])*+\(",
)
_TOKEN = re.compile(rf"(?P<word>\w++)|{TEXT}|{NAME}|(?P<mark>[(),{{}}\[\]])|{LINE_COMMENT}|(?P<block>/\*)", re.DOTALL)
_HARMLESS = frozenset(
    "type provider scope region endpoint endpoint_type url_style use_ssl verify_ssl host hostaddr port user username "
    "database db dbname chain account_name refresh validation profile".split()
)
"""Options of CREATE SECRET that are shown; options that an extension may define are hidden."""


_SECRET_NAME = re.compile(
    r"password(?!_enc)|passwd|secret(?!s|_directory|_storage)|token(?!s)|"
    r"(api|access|private|account|encryption)_?key|credential|key_id",
    re.IGNORECASE,
)
"""Does not match `allow_persistent_secrets`, `secret_directory` and similar names."""


def is_secret_name(name: str) -> bool:
    """Whether a setting or an environment variable with this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


_WORDS = frozenset("true false null none default auto local".split())
"""Values of options that must not be hidden in other places."""


def hide(text: str) -> str:
    """The text with `***` in place of each secret.

    >>> hide("ATTACH 'postgres://ann:hunter2@db/shop' AS shop")
    "ATTACH 'postgres://ann:***@db/shop' AS shop"
    """
    parts: list[str] = []
    done = 0
    for start, end, _ in _found(text):
        if start >= done:
            parts += text[done:start], "***"
        done = max(done, end)
    return "".join(parts) + text[done:] if parts else text


def secrets_in(text: str) -> list[str]:
    """The secrets themselves, in the order of the text, to be hidden wherever else they occur.

    >>> secrets_in("CREATE SECRET (TYPE s3, KEY_ID 'AKIA', SECRET 'it''s', REGION 'eu')")
    ['AKIA', "it's"]
    """
    secrets: dict[str, None] = {}
    for start, end, known in _found(text):
        if known:
            secret = text[start:end].rstrip().replace("''", "'").replace("\\'", "'")
            secrets[secret] = secrets[unquote(secret)] = None
    return [secret for secret in secrets if secret.lower() not in _WORDS]


def _found(text: str) -> list[Found]:
    lowered = lower(text)
    if not _has_hint(lowered):  # true for almost all texts, and cheap to check
        return []
    every = (*_options(lowered), *_literals(lowered), *_pairs(lowered), *_addresses(lowered))
    return sorted(found for found in every if _is_secret(text[found[0] : found[1]]))


def _has_hint(lowered: str) -> bool:
    for hint in _HINTS:  # noqa: SIM110  `any` would take three times as long, for every text
        if hint in lowered:
            return True
    return False


def _is_secret(value: str) -> bool:
    """Excludes template expressions and values that are hidden already."""
    return value not in ("", "***") and "{{" not in value


def _value(match: re.Match[str], known: bool) -> Found:
    """The secret, which is the last group of an expression."""
    start, end = match.span(match.lastgroup or 0)
    return start, end, known


def _options(lowered: str) -> Iterator[Found]:
    """The values in the parentheses of each CREATE SECRET, except those of harmless options."""
    position = 0
    while create := _CREATE_SECRET.search(lowered, position):
        position = create.end()
        depth, key = 1, ""
        while depth > 0 and (token := _TOKEN.search(lowered, position)):
            position = token.end()
            match token.lastgroup:
                case "mark":
                    mark = token[0]
                    depth += 1 if mark in "({[" else -1 if mark in ")}]" else 0
                    key = "" if mark == "," and depth == 1 else key
                case "word":
                    key = key or token[0]
                case "block":
                    position = block_comment_end(lowered, token.start())
                case str() if key and key not in _HARMLESS:
                    yield _value(token, True)
        if depth > 0:
            return


def _literals(lowered: str) -> Iterator[Found]:
    for named in _NAMED:
        for match in named.finditer(lowered):
            yield _value(match, True)
    update = _UPDATE.search(lowered)
    for match in _SETTING.finditer(lowered):
        is_setting = update is None or match.start() < update.end()  # else the value of a column
        yield _value(match, is_setting)


def _pairs(lowered: str) -> Iterator[Found]:
    """`password = x` may also compare two columns: it counts if quoted, without spaces, or in a connection string."""
    is_connection_string = None
    for pair in _PAIR:
        for match in pair.finditer(lowered):
            if is_connection_string is None:
                is_connection_string = _CONNECTION_STRING.search(lowered) is not None
            if is_connection_string or match["plain"] is None or not match["space"]:
                yield _value(match, is_connection_string)


def _addresses(lowered: str) -> Iterator[Found]:
    for match in _ADDRESS.finditer(lowered):
        yield _value(match, True)
    for match in _QUERY.finditer(lowered):
        yield _value(match, True)
