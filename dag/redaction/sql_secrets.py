"""Secrets that a text gives away by where they stand: in connection strings, in CREATE SECRET, after PASSWORD.

Works on SQL, on errors of databases and on lines of Python alike: it looks for forms, and parses nothing.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote


class Found(NamedTuple):
    """A secret from `start` to `end` of a text; `known` if it is one wherever else it stands."""

    start: int
    end: int
    known: bool


_HINTS = ("secret", "passw", "pwd", "token", "_key", "key_id", "passphrase", "connection_string", "://")

_TEXT = r"""[eE]?'(?P<single>(?:[^']|'')*)'|\$(?P<tag>\w*)\$(?P<dollar>.*?)\$(?P=tag)\$"""
_LITERAL = rf"""{_TEXT}|"(?P<double>(?:[^"]|"")*)\""""

_NAMED = re.compile(
    r"\b(?:[a-z]+_)*(?:secret|password|passwd|key_id|token|access_key|account_key|encryption_key|passphrase|"
    r"connection_string)\s+(?:" + _TEXT + ")",
    re.IGNORECASE | re.DOTALL,
)
"""`PASSWORD 'x'`, as an option of CREATE SECRET, CREATE ROLE, ATTACH, OPTIONS; `password "x"` names a column."""

_SETTING = re.compile(
    r"""\bSET\s+(?:GLOBAL\s+|SESSION\s+|LOCAL\s+)?"?[\w.]*(?:secret(?!s|_directory|_storage)|password(?!_enc)|"""
    r"""token(?!s)|access_key|key_id|account_key|connection_string|encryption_key)\w*"?\s*(?:=|\bTO\b)\s*(?:"""
    + _LITERAL
    + ")",
    re.IGNORECASE | re.DOTALL,
)

_UPDATE = re.compile(r"\bUPDATE\b", re.IGNORECASE)

_PAIR = re.compile(
    r"(?<![\w.])(?:password|passwd|pwd|sslpassword|passphrase|motherduck_token)(?P<space>\s*)=\s*"
    r"""(?:''(?P<twice>(?:[^'\\]|\\.)*)''|'(?P<quoted>(?:[^'\\]|\\.|'')+)'|\\?"(?P<named>[^"\\]+)\\?"|"""
    r"""(?P<plain>[^\s'"&;,()\\<>{}]+)(?![\w(]))""",
    re.IGNORECASE,
)
"""`password=x` of a connection string."""

_CONNECTION_STRING = re.compile(r"\b(?:host|hostaddr|dbname|port|sslmode)\s*=|\b(?:user|uid)=\S", re.IGNORECASE)

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@'\"<>]*:(?P<password>[^\s/'\"<>]+)@", re.IGNORECASE)

_QUERY = re.compile(r"[?&](?:\w*(?:password|passwd|token|secret|api_?key))=(?P<value>[^\s&'\"<>()]+)", re.IGNORECASE)

_CREATE_SECRET = re.compile(
    r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:PERSISTENT\s+|TEMPORARY\s+|TEMP\s+)?SECRET\b(?:\"[^\"]*\"|[^('\";])*\(",
    re.IGNORECASE,
)
_TOKEN = re.compile(rf"{_LITERAL}|(?P<word>\w+)|(?P<mark>[(),{{}}\[\]])|--[^\n]*|/\*.*?\*/", re.DOTALL)
_HARMLESS = frozenset(
    "type provider scope region endpoint endpoint_type url_style use_ssl verify_ssl host hostaddr port user username "
    "database db dbname chain account_name refresh validation profile".split()
)
"""Options of CREATE SECRET that are shown; what another extension may have named is hidden."""


_SECRET_NAME = re.compile(
    r"password(?!_enc)|passwd|secret(?!s|_directory|_storage)|token(?!s)|"
    r"(api|access|private|account|encryption)_?key|credential|key_id",
    re.IGNORECASE,
)
"""Not `allow_persistent_secrets`, `secret_directory` and the like."""


def is_secret_name(name: str) -> bool:
    """If a setting or an environment variable of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


_WORDS = frozenset("true false null none default auto local".split())
"""What an option may be set to that must not be hidden wherever else it stands."""


def hide(text: str) -> str:
    """The text with `***` in the place of each secret.

    >>> hide("ATTACH 'postgres://ann:hunter2@db/shop' AS shop")
    "ATTACH 'postgres://ann:***@db/shop' AS shop"
    """
    parts: list[str] = []
    done = 0
    for found in _found(text):
        if found.start >= done:
            parts += text[done : found.start], "***"
            done = found.end
    return "".join(parts) + text[done:] if parts else text


def secrets_in(text: str) -> set[str]:
    """The secrets themselves, to be hidden wherever else they show up.

    >>> sorted(secrets_in("CREATE SECRET (TYPE s3, KEY_ID 'AKIA', SECRET 'it''s', REGION 'eu')"))
    ['AKIA', "it's"]
    """
    secrets = set()
    for found in _found(text):
        if found.known:
            secret = text[found.start : found.end].replace("''", "'").replace("\\'", "'")
            secrets |= {secret, unquote(secret)}
    return {secret for secret in secrets if secret.lower() not in _WORDS}


def _found(text: str) -> list[Found]:
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):  # of almost all texts, and cheap to know
        return []
    every = (*_options(text), *_literals(text), *_pairs(text), *_addresses(text))
    shown = (found for found in every if not _is_template(text[found.start : found.end]))
    return sorted(found for found in shown if found.end > found.start)


def _is_template(value: str) -> bool:
    """An expression of a template, or a secret that is hidden already."""
    return "{{" in value or value == "***"


def _span(match: re.Match[str], *groups: str) -> tuple[int, int]:
    return next((match.span(group) for group in groups if match[group] is not None), (0, 0))


def _options(text: str) -> Iterator[Found]:
    """The values in the parentheses of each CREATE SECRET, but those of harmless options."""
    for create in _CREATE_SECRET.finditer(text):
        depth, key = 1, ""
        for token in _TOKEN.finditer(text, create.end()):
            match token["mark"]:
                case "(" | "{" | "[":
                    depth += 1
                case ")" | "}" | "]":
                    depth -= 1
                case "," if depth == 1:
                    key = ""
            if depth == 0:
                break
            if token["word"] is not None:
                key = key or token["word"].lower()
            elif token["mark"] is None and key and key not in _HARMLESS:
                yield Found(*_span(token, "single", "double", "dollar"), True)


def _literals(text: str) -> Iterator[Found]:
    for match in _NAMED.finditer(text):
        yield Found(*_span(match, "single", "dollar"), True)
    for match in _SETTING.finditer(text):
        is_setting = _UPDATE.search(text, 0, match.start()) is None  # else the value of a column
        yield Found(*_span(match, "single", "double", "dollar"), is_setting)


def _pairs(text: str) -> Iterator[Found]:
    """`password = x` may also compare two columns: it counts where it is written as, or stands in, such a string."""
    is_connection_string = _CONNECTION_STRING.search(text) is not None
    for match in _PAIR.finditer(text):
        if match["plain"] is None or not match["space"] or is_connection_string:
            yield Found(*_span(match, "twice", "quoted", "named", "plain"), is_connection_string)


def _addresses(text: str) -> Iterator[Found]:
    for match in _ADDRESS.finditer(text):
        yield Found(*match.span("password"), True)
    for match in _QUERY.finditer(text):
        yield Found(*match.span("value"), True)
