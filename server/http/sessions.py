"""The page's session: a cookie in place of the API token, which a browser cannot send with every request.

docs/security.md, The page's session.
"""

import hashlib
import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie

from dagscope.server.http.raw_headers import Headers, values

SESSION_S = 14 * 86_400
"""How long a session lasts."""


class Sessions:
    """Sessions of the clients that showed the API token, or the code that the server printed at its start.

    A session is a time and a signature of it, made with a key that comes from the token: it outlives a restart, and
    ends with the token. The name of its cookie includes the port, since cookies do not tell ports apart.
    """

    def __init__(self, token: str) -> None:
        self._key = hashlib.blake2b(token.encode(), person=b"session").digest()
        self._code: str | None = secrets.token_urlsafe(24)

    @property
    def code(self) -> str | None:
        """The code that opens one session; None once it was used."""
        return self._code

    def opened_by(self, code: str) -> bool:
        """Whether the code is right. A right code is used up."""
        if self._code is None or not hmac.compare_digest(code.encode(), self._code.encode()):
            return False
        self._code = None
        return True

    def new(self) -> str:
        """The value of the cookie of a new session."""
        return self._signed(int(time.time()) + SESSION_S, secrets.token_urlsafe(12))

    def holds(self, headers: Headers, port: int | None) -> bool:
        """Whether the request has the cookie of a session that has not ended."""
        found = [cookie_value(cookie, cookie_name(port)) for cookie in values(headers, b"cookie")]
        return any(self._is_valid(value) for value in found if value)

    def _is_valid(self, value: str) -> bool:
        until, _, rest = value.partition(".")
        nonce, _, _ = rest.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 12) or int(until) < time.time():
            return False
        return hmac.compare_digest(value.encode(), self._signed(int(until), nonce).encode())

    def _signed(self, until: int, nonce: str) -> str:
        signature = hmac.new(self._key, f"{until}.{nonce}".encode(), "sha256").hexdigest()
        return f"{until}.{nonce}.{signature}"


def cookie_name(port: int | None) -> str:
    return f"dagscope-{port or 80}"


def cookie_value(header: bytes, name: str) -> str | None:
    try:
        cookies = SimpleCookie(header.decode("latin-1"))
    except CookieError:
        return None
    return cookies[name].value if name in cookies else None


def set_cookie(port: int | None, value: str, *, secure: bool) -> str:
    """The header that opens a session, or ends it if the value is empty."""
    age = SESSION_S if value else 0
    return (
        f"{cookie_name(port)}={value}; Max-Age={age}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
    )
