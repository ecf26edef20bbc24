"""The filters of log entries in a query: `level`, `asset`, `test`, `q` and `attempt`, and which page of them."""

from dataclasses import dataclass

from starlette.requests import Request

from dagscope.dag.events.status import LOG_LEVELS
from dagscope.server.http.answers import bad_request
from dagscope.server.http.endpoint import Query
from dagscope.server.http.request_reading import whole_number
from dagscope.storage.log_search import Search, Window

FILTERS = ("level", "asset", "test", "q")
PAGES = ("after", "before", "offset")
_DEFAULT_LIMIT, _MOST = 200, 10_000
_TEXT_LENGTH = 500  # characters: comparing a longer one with a long message would take long


@dataclass(frozen=True)
class LogFilters:
    """What is shown: the entries of a search that have one of these levels; None is any."""

    search: Search
    levels: frozenset[str] | None

    @classmethod
    def of_query(cls, request: Request, task_id: str) -> "LogFilters":
        query = request.query_params
        text = query.get("q", "").strip()
        if len(text) > _TEXT_LENGTH:
            raise bad_request(f"'q' can have at most {_TEXT_LENGTH} characters, found {len(text)}")
        if "\0" in text:
            raise bad_request("'q' cannot contain the character '\\x00'")
        attempt = whole_number(request, "attempt", least=1)
        return cls(Search(task_id, attempt, query.get("asset"), query.get("test"), text), _levels(query.get("level")))


def are_used(request: Request) -> bool:
    """Whether the query has a filter or asks for a page by position or number."""
    return not request.query_params.keys().isdisjoint({*FILTERS, *PAGES})


def window_of(request: Request) -> Window:
    if "cursor" in request.query_params:
        raise bad_request(f"'cursor' cannot be combined with {', '.join(FILTERS + PAGES)}: use 'after'")
    return Window(
        whole_number(request, "limit", least=1, most=_MOST) or _DEFAULT_LIMIT,
        whole_number(request, "after"),
        whole_number(request, "before"),
        whole_number(request, "offset") or 0,
    )


def _levels(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    levels = [level for part in text.split(",") if (level := part.strip().lower())]
    for level in levels:
        if level not in LOG_LEVELS:
            raise bad_request(f"'level' has an unknown level {level[:50]!r}: the levels are {', '.join(LOG_LEVELS)}")
    return frozenset(levels)


FILTER_QUERIES = (
    Query("level", f"only entries of these levels, separated by commas: {', '.join(LOG_LEVELS)}"),
    Query("asset", "only entries of this asset; empty for those without one"),
    Query("test", "only entries of this data test; empty for those without one"),
    Query(
        "q",
        "only entries with this text in the message, or `field=value`",
        pattern=r"^[^\x00]*$",
        longest=_TEXT_LENGTH,
    ),
)
PAGE_QUERIES = (
    Query("after", "only entries after this position", "integer", least=0),
    Query(
        "before", "only entries before this position; without another page parameter, the last ones", "integer", least=0
    ),
    Query("offset", "skip this many shown entries", "integer", least=0),
)
