"""Messages for failures between dagscope and a PostgreSQL server, which say what to do."""

from typing import Any


def lost(place: str, text: str) -> str:
    """The message for a statement that was running when the server went away."""
    reason = text.strip().splitlines()[0] if text.strip() else "the connection was closed"
    return f"lost the server at {place} while a statement was running ({reason}); run again when it is back"


def error_offset(position: str | None) -> int | None:
    """An error's offset in its statement, from 0; PostgreSQL counts characters from 1."""
    return int(position) - 1 if position else None


def connection_failure(text: str, place: str, parameters: dict[str, Any]) -> str:
    """Why connecting failed and what to do, derived from libpq's text."""
    user, database = parameters.get("user"), parameters.get("dbname")
    if "password authentication failed" in text or "no password supplied" in text:
        return f'the server at {place} refuses user "{user}" with this password; correct user and password'
    if 'role "' in text and "does not exist" in text:
        return f'the server at {place} has no user "{user}"; create it, or correct user'
    if 'database "' in text and "does not exist" in text:
        return f'the server at {place} has no database "{database}"; create it, or correct database'
    if "refused" in text or "No such file or directory" in text:
        return f"no server is listening at {place}; start it, or correct host and port"
    if "timeout" in text or "timed out" in text:
        within = f"within {parameters['connect_timeout']} s"
        return f"the server at {place} did not answer {within}; correct host and port, or try again later"
    if "resolve host" in text or "translate host name" in text or "Name or service not known" in text:
        return f'host "{parameters["host"]}" cannot be resolved; correct host'
    return f"cannot connect to {place}: {' '.join(text.split())}"
