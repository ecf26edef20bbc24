"""GraphQL queries over HTTP."""

import json
from typing import Any

from dagscope.cli.http_client import Answer, HeaderUnusable, HttpClient, NoAnswer, Redirected
from dagscope.cli.plus.plus_config import PlusConfig, checked_url

_TRANSIENT = frozenset({502, 503, 504})


class QueryFailed(Exception):
    """There is no usable answer. The text is for people."""


class ConnectionLost(QueryFailed):
    """The server cannot be reached right now; a later request may succeed. `reason` is the text without its advice."""

    def __init__(self, reason: str, advice: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}; {advice}")


class GraphQLClient:
    """A client of one server."""

    def __init__(self, config: PlusConfig) -> None:
        """Raises `ConfigUnusable`."""
        checked_url(config.graphql_url)
        self.url, self._headers = config.graphql_url, config.headers
        self._http = HttpClient(self.url, {"Accept": "application/json", **self._headers})

    def execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Send a query. Returns the `data` of the answer. Raises `QueryFailed` or `ConnectionLost`."""
        posted = self._post(json.dumps({"query": query, "variables": variables}).encode())
        answer = self._parsed(posted)
        if answer.get("errors"):
            raise QueryFailed(f"GraphQL error: {_messages(answer['errors'])}")
        data = answer.get("data")
        if not data:
            raise QueryFailed(f"No response from the GraphQL API at {self.url}")
        if not isinstance(data, dict):
            raise self._not_graphql(posted)
        return data

    def _post(self, body: bytes) -> Answer:
        try:
            return self._http.ask("POST", body=body)
        except NoAnswer as error:
            raise ConnectionLost(str(error), "check that the server runs and that its url is right") from error
        except Redirected as error:
            raise QueryFailed(f"{error}; correct the url with `dg plus login`") from error
        except HeaderUnusable as error:
            raise QueryFailed(
                "The configured organization, deployment or token contains characters that HTTP does not allow"
            ) from error

    def _parsed(self, posted: Answer) -> dict[str, Any]:
        status = posted.status
        try:
            answer = json.loads(posted.body) if posted.body.strip() else None
        except ValueError:
            answer = ""
        if status == 401:
            reason = "was refused" if self._headers.get("Dagster-Cloud-Api-Token") else "is missing"
            raise QueryFailed(f"Authentication failed: the API token {reason}. Run `dg plus login` to authenticate.")
        if status == 403:
            raise QueryFailed(f"Access denied: {_details(answer) or 'the server answers with HTTP 403'}")
        if status in _TRANSIENT:
            raise ConnectionLost(f"{self.url} is not available: HTTP {status}", "try again later")
        if answer is None and 200 <= status < 300:
            raise QueryFailed(f"No response from the GraphQL API at {self.url}")
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise self._not_graphql(posted)
        return answer

    def _not_graphql(self, posted: Answer) -> QueryFailed:
        what = f"HTTP {posted.status}" + (f", {posted.kind}" if posted.kind else "")
        return QueryFailed(f"The answer from {self.url} is not GraphQL ({what}); check the url and the organization")


def _messages(errors: Any) -> str:
    if not isinstance(errors, list):
        return str(errors)
    return "; ".join(str(error.get("message", error)) if isinstance(error, dict) else str(error) for error in errors)


def _details(answer: Any) -> str:
    return str(answer.get("details") or answer.get("error") or "") if isinstance(answer, dict) else ""
