"""Asking a server over HTTP, so that a token reaches that server alone.

No redirect is followed: it would carry the token to somebody else. No proxy stands between two processes of one
machine, whatever the environment says. Standard library only: `dg` starts quickly.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 30  # without a byte; a POST that executes something answers within 10, a silent stream within 15
_LONGEST_LOCATION = 200  # characters of an address that a message quotes


class HttpFailed(Exception):
    """There is no answer that could be used; the text says what happened, and ends without a full stop."""


class NoAnswer(HttpFailed):
    """The server cannot be reached right now; asking again later may help."""


class Redirected(HttpFailed):
    """The server names another address, which is not followed."""


class HeaderUnusable(HttpFailed):
    """A header holds characters that HTTP cannot carry; its value, which may be the token, is not in the text."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; `kind` is its media type."""

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True)
class Stream:
    """An answer that is read line by line, as it comes. Iterating raises `NoAnswer` where the connection breaks."""

    status: int
    lines: Iterator[bytes]


class HttpClient:
    """A client of one server. Every request brings the headers, in which the token is.

    `through_proxies` takes the proxies of the environment for servers that are not on this machine.
    """

    def __init__(self, url: str, headers: Mapping[str, str], through_proxies: bool = True) -> None:
        self.url, self._headers = url, headers
        self._opener = _opener(through_proxies and not _is_local(url))

    def ask(self, method: str, path: str = "", body: bytes | None = None) -> Answer:
        """The answer, whatever its status, to a request whose body is JSON. Raises `HttpFailed`."""
        with _named(self.url + path), self._open(method, path, body, {}) as response:
            return Answer(response.status, _kind(response), response.read())

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[Stream]:
        """The answer to a GET, while it comes. Raises `HttpFailed`."""
        with _named(self.url + path):
            response = self._open("GET", path, None, headers)
        try:
            yield Stream(response.status, _lines(self.url + path, response))
        finally:
            response.close()

    def _open(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        sent = {"Content-Type": "application/json", "Accept": "*/*", **self._headers, **headers}
        request = urllib.request.Request(self.url + path, body, sent, method=method)  # noqa: S310  only HTTP is known
        response = self._opener.open(request, timeout=TIMEOUT_S)
        location = response.headers.get("Location")
        if 300 <= response.status < 400 and location:
            response.close()
            raise Redirected(
                f"{self.url + path} redirects to {location[:_LONGEST_LOCATION]}, "
                "which is not followed, since the token would go there"
            )
        return response


def _opener(with_proxies: bool) -> urllib.request.OpenerDirector:
    """Knows no redirects, and no addresses but those of HTTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    if with_proxies:
        opener.add_handler(urllib.request.ProxyHandler())
    return opener


def _is_local(url: str) -> bool:
    """If the address is one of this machine itself."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _kind(response: Any) -> str:
    return str(response.headers.get("Content-Type", "")).split(";")[0]


def _lines(url: str, response: Any) -> Iterator[bytes]:
    with _named(url):
        yield from response


@contextmanager
def _named(url: str) -> Iterator[None]:
    """What goes wrong with a request, as an `HttpFailed` that names the address."""
    try:
        yield
    except TimeoutError as error:
        raise _timed_out(url) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _timed_out(url) from error
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise NoAnswer(f"Cannot connect to {url}: {reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"The connection to {url} was lost: {type(error).__name__}") from error
    except ValueError as error:
        raise HeaderUnusable(f"A header for {url} holds characters that HTTP cannot carry") from error


def _timed_out(url: str) -> NoAnswer:
    return NoAnswer(f"No answer from {url} within {TIMEOUT_S} seconds")
