"""The views of the page, as paths of the hello project and with what each shows."""

from typing import Final

VIEWS: Final = {
    "DAG": "/",
    "list": "/?view=list",
    "asset": "/assets/dds.world",
    "task": "/tasks/monday",
    "tests": "/tests",
    "logs": "/logs",
    "history": "/history",
    "compare": "/compare?from=monday",
}
"""The path of each view. The project is hello, and its task `monday` has run."""
