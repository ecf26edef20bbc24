"""Which pages may ask: only the server's own, and those that the settings allow (docs/security.md, Pages).

A browser says with each request which page it comes from, in `Origin` and in `Sec-Fetch-Site`. Other clients send
neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dagscope.server.http.raw_headers import Headers, values

_HEADERS_ALLOWED = "Content-Type, Authorization, Dagster-Cloud-Api-Token, Last-Event-ID"
_METHODS_ALLOWED = "GET, POST, DELETE"
_PREFLIGHT_S = 600
_READS = ("GET", "HEAD")


@dataclass(frozen=True)
class Origins:
    """The origins of other pages that may send requests and read the answers."""

    allowed: tuple[str, ...]

    @classmethod
    def of(cls, origins: Sequence[str]) -> "Origins":
        """Raises ValueError for a text that is not an origin."""
        for origin in origins:
            scheme, _, rest = origin.partition("://")
            if scheme not in ("http", "https") or not rest or set(rest) & set("/*?# ") or origin != origin.lower():
                raise ValueError(f'"{origin}" is not an origin: write it like https://tools.example.com:8443')
        return cls(tuple(origins))

    def refusal(self, method: str, headers: Headers) -> str | None:
        """Why the request must not be answered; None if it may be."""
        origins = _texts(headers, b"origin")
        if len(origins) > 1:
            return "send the header Origin once"
        origin = origins[0] if origins else ""
        if origin in self.allowed:
            return None
        if origin and not _is_own(origin, headers):
            return f"pages of {origin} may not send requests here; `dagscope serve --allow-origin` allows an origin"
        # "none" is a person: an address typed or a bookmark opened. That only reads.
        right = ("same-origin", "none") if method in _READS else ("same-origin",)
        if any(site not in right for site in _texts(headers, b"sec-fetch-site")):
            return "pages of other origins may not send requests here; `dagscope serve --allow-origin` allows an origin"
        return None

    def allowed_by(self, headers: Headers) -> str:
        """The origin of the request if the settings allow it; "" for any other."""
        origins = _texts(headers, b"origin")
        return origins[0] if len(origins) == 1 and origins[0] in self.allowed else ""

    @staticmethod
    def answer_headers(origin: str) -> list[tuple[bytes, bytes]]:
        """What lets a page of an allowed origin read an answer."""
        return [(b"access-control-allow-origin", origin.encode()), (b"vary", b"Origin")]

    @staticmethod
    def preflight_headers() -> dict[str, str]:
        """The answer to a browser that asks before it sends."""
        return {
            "Access-Control-Allow-Methods": _METHODS_ALLOWED,
            "Access-Control-Allow-Headers": _HEADERS_ALLOWED,
            "Access-Control-Max-Age": str(_PREFLIGHT_S),
        }


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks if it may send a request."""
    return method == "OPTIONS" and bool(_texts(headers, b"access-control-request-method"))


def _texts(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in values(headers, name)]


def _is_own(origin: str, headers: Headers) -> bool:
    """Whether the origin is the one that the request was sent to. A proxy may have taken TLS off."""
    host = _texts(headers, b"host")
    return len(host) == 1 and origin.lower() in (f"http://{host[0].lower()}", f"https://{host[0].lower()}")
