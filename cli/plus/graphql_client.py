"""Asking a server by GraphQL over HTTP. Standard library only: `dg` starts quickly."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from dagscope.cli.plus.plus_config import PlusConfig, checked_url

TIMEOUT_S = 30
_TRANSIENT = frozenset({502, 503, 504})


class QueryFailed(Exception):
    """There is no good answer; the text is for a person."""


class ConnectionLost(QueryFailed):
    """The server cannot be reached right now; asking again later may do."""


class GraphQLClient:
    """A client of one server."""

    def __init__(self, config: PlusConfig) -> None:
        """Raises `ConfigUnusable`."""
        checked_url(config.graphql_url)
        self.url, self._headers = config.graphql_url, config.headers
        self._opener = _opener()

    def execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of the answer. Raises `QueryFailed` or `ConnectionLost`."""
        status, kind, body = self._post(json.dumps({"query": query, "variables": variables}).encode())
        answer = self._parsed(status, kind, body)
        if answer.get("errors"):
            raise QueryFailed(f"GraphQL error: {_messages(answer['errors'])}")
        data = answer.get("data")
        if not data:
            raise QueryFailed(f"No response from the GraphQL API at {self.url}")
        if not isinstance(data, dict):
            raise self._not_graphql(status, kind)
        return data

    def _post(self, body: bytes) -> tuple[int, str, bytes]:
        try:
            headers = {"Content-Type": "application/json", "Accept": "application/json", **self._headers}
            request = urllib.request.Request(self.url, body, headers)  # noqa: S310  the opener knows only HTTP
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return response.status, response.headers.get("Content-Type", ""), response.read()
        except TimeoutError as error:
            raise self._timed_out() from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise self._timed_out() from error
            reason = getattr(error.reason, "strerror", None) or error.reason
            raise ConnectionLost(f"Cannot connect to {self.url}: {reason}") from error
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionLost(f"The connection to {self.url} was lost: {type(error).__name__}") from error
        except ValueError as error:  # a header that HTTP cannot carry; its value may be the token
            raise QueryFailed(
                "The configured organization, deployment or token holds characters that HTTP cannot carry"
            ) from error

    def _timed_out(self) -> ConnectionLost:
        return ConnectionLost(f"No answer from {self.url} within {TIMEOUT_S} seconds")

    def _parsed(self, status: int, kind: str, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body) if body.strip() else None
        except ValueError:
            answer = ""
        if status == 401:
            reason = "was refused" if self._headers.get("Dagster-Cloud-Api-Token") else "is missing"
            raise QueryFailed(f"Authentication failed: the API token {reason}. Run `dg plus login` to authenticate.")
        if status == 403:
            raise QueryFailed(f"Access denied: {_details(answer) or 'the server answers with HTTP 403'}")
        if status in _TRANSIENT:
            raise ConnectionLost(f"{self.url} is not available: HTTP {status}")
        if answer is None and 200 <= status < 300:
            raise QueryFailed(f"No response from the GraphQL API at {self.url}")
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise self._not_graphql(status, kind)
        return answer

    def _not_graphql(self, status: int, kind: str) -> QueryFailed:
        what = f"HTTP {status}" + (f", {kind.split(';')[0]}" if kind else "")
        return QueryFailed(f"The answer from {self.url} is not GraphQL ({what}); check the url and the organization")


def _opener() -> urllib.request.OpenerDirector:
    """Follows no redirect, which would carry the token to somebody else, and knows no other kinds of addresses."""
    opener = urllib.request.OpenerDirector()
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    return opener


def _messages(errors: Any) -> str:
    if not isinstance(errors, list):
        return str(errors)
    return "; ".join(str(error.get("message", error)) if isinstance(error, dict) else str(error) for error in errors)


def _details(answer: Any) -> str:
    return str(answer.get("details") or answer.get("error") or "") if isinstance(answer, dict) else ""
