"""Reading which rows a request asks for, in which order and in which form."""

from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request

from dagscope.dag.connections.row_conditions import AskedRows
from dagscope.server.http.answers import bad_request
from dagscope.server.http.endpoint import Query


class RowFormat(StrEnum):
    """The form of rows in JSON."""

    OBJECTS = "objects"
    ARRAYS = "arrays"


Choice = TypeVar("Choice", bound=StrEnum)

FILTER = Query("filter", "a condition, column:operator:value; rows must meet all of them", is_repeated=True)
SORT = Query("sort", "columns to sort by, separated by commas; a - before a column reverses its order")
FORMAT = Query("format", "the form of rows: objects by default", choices=tuple(RowFormat))


def asked_rows(request: Request) -> AskedRows:
    """The `sort` and the `filter`s of a query; they are checked against the columns later."""
    query = request.query_params
    return AskedRows(query.get("sort", ""), tuple(query.getlist("filter")))


def wants_arrays(request: Request) -> bool:
    """Whether the query asks for rows as arrays. Refuses an unknown format with 400."""
    if "format" not in request.query_params:
        return False
    return chosen(request, "format", RowFormat) is RowFormat.ARRAYS


def chosen(request: Request, name: str, choices: type[Choice]) -> Choice:
    """The value of a query parameter, which is one of a few. Refuses another, or none, with 400."""
    text = request.query_params.get(name)
    if text is None:
        raise bad_request(f"missing parameter '{name}'; choose {_listed(choices)}")
    if text not in set(choices):
        raise bad_request(f"'{name}' must be {_listed(choices)}, found {text[:100]!r}")
    return choices(text)


def _listed(choices: type[StrEnum]) -> str:
    *first, last = choices
    return f"{', '.join(first)} or {last}"
