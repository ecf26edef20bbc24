"""The headers of a request as ASGI has them: names in lower case, any of them more than once."""

from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]


def values(headers: Headers, name: bytes) -> list[bytes]:
    """The values of all headers of a name, in order."""
    return [value for header, value in headers if header == name]
