"""An HTTP client that sends a token to its own server only.

It follows no redirects, because they would take the token elsewhere. It uses no proxy between processes on the same
machine, whatever the environment says. It needs only the standard library, so that `dg` starts quickly.
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

TIMEOUT_S = 30  # without receiving a byte; a POST that executes something answers within 10, a silent stream within 15
_CHUNK_BYTES = 1 << 16
_LONGEST_LOCATION = 200  # characters of an address that are quoted in a message


class HttpFailed(Exception):
    """There is no usable answer. The text says what happened, without a full stop at the end."""


class NoAnswer(HttpFailed):
    """The server cannot be reached right now; asking again later may help."""


class Redirected(HttpFailed):
    """The server redirects to another address, which is not followed."""


class HeaderUnusable(HttpFailed):
    """A header contains characters that HTTP does not allow. Its value may be the token, so the text omits it."""


@dataclass(frozen=True)
class Answer:
    """A complete answer. `kind` is its media type."""

    status: int
    kind: str
    body: bytes


@dataclass(frozen=True)
class Download:
    """An answer that is read in chunks as it arrives. Iterating raises `NoAnswer` if the connection breaks."""

    status: int
    chunks: Iterator[bytes]


@dataclass(frozen=True)
class Stream:
    """An answer that is read line by line as it arrives. Iterating raises `NoAnswer` if the connection breaks."""

    status: int
    lines: Iterator[bytes]


class HttpClient:
    """A client of one server. Every request has the headers, which include the token.

    With `through_proxies`, servers on other machines are asked through the proxies that the environment names.
    """

    def __init__(self, url: str, headers: Mapping[str, str], through_proxies: bool = True) -> None:
        self.url, self._headers = url, headers
        self._opener = _opener(through_proxies and not _is_local(url))

    def ask(self, method: str, path: str = "", body: bytes | None = None) -> Answer:
        """Send a request with a JSON body. Returns the answer, whatever its status. Raises `HttpFailed`."""
        with _named(self.url + path), self._open(method, path, body, {}) as response:
            return Answer(response.status, _kind(response), response.read())

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[Stream]:
        """Send a GET and read the answer as it arrives. Raises `HttpFailed`."""
        with _named(self.url + path):
            response = self._open("GET", path, None, headers)
        try:
            yield Stream(response.status, _lines(self.url + path, response))
        finally:
            response.close()

    @contextmanager
    def download(self, path: str) -> Iterator[Download]:
        """Send a GET and read the answer in chunks. Raises `HttpFailed`."""
        with _named(self.url + path):
            response = self._open("GET", path, None, {})
        try:
            yield Download(response.status, _chunks(self.url + path, response))
        finally:
            response.close()

    def _open(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        sent = {"Content-Type": "application/json", "Accept": "*/*", **self._headers, **headers}
        request = urllib.request.Request(self.url + path, body, sent, method=method)  # noqa: S310  opens only HTTP
        response = self._opener.open(request, timeout=TIMEOUT_S)
        location = response.headers.get("Location")
        if 300 <= response.status < 400 and location:
            response.close()
            raise Redirected(
                f"{self.url + path} redirects to {location[:_LONGEST_LOCATION]}, "
                "which is not followed because the token would be sent there"
            )
        return response


def _opener(with_proxies: bool) -> urllib.request.OpenerDirector:
    """An opener that follows no redirects and opens only HTTP addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    if with_proxies:
        opener.add_handler(urllib.request.ProxyHandler())
    return opener


def _is_local(url: str) -> bool:
    """Whether the address is on this machine."""
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


def _chunks(url: str, response: Any) -> Iterator[bytes]:
    with _named(url):
        while chunk := response.read(_CHUNK_BYTES):
            yield chunk


def _lines(url: str, response: Any) -> Iterator[bytes]:
    with _named(url):
        yield from response


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Turn the errors of a request into `HttpFailed` errors that name the address."""
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
        raise HeaderUnusable(f"A header for {url} contains characters that HTTP does not allow") from error


def _timed_out(url: str) -> NoAnswer:
    return NoAnswer(f"No answer from {url} within {TIMEOUT_S} seconds")
