"""Every error, and what is said about the server and its project."""

from typing import Literal

from dagscope.dag.ground.shapes import Shape


class SessionRequest(Shape):
    """`POST /api/session`: the code that the server printed at its start, or the API token."""

    code: str | None = None
    token: str | None = None


class Error(Shape):
    """Every error that does not have a shape of its own."""

    error: str
    details: str | None = None


class Health(Shape):
    """`GET /healthz`; `status` is `failed` once the state could not be written."""

    status: Literal["ok", "failed"]


class FileProblem(Shape):
    """Why a file of the project cannot be loaded; `line` is absent if it is about the whole file."""

    path: str
    line: int | None = None
    message: str


class ProjectNow(Shape):
    """The message `project` of the stream. `loaded_time_ms` is absent if no version of the files could be loaded yet.

    `read_time_ms` is when the files were last read, whether they could be loaded or not.
    """

    project_name: str
    version: str
    read_only: bool
    is_bundle: bool
    state_writable: bool
    logs_stored: bool
    reload: bool
    loaded_time_ms: int | None = None
    read_time_ms: int
    asset_count: int
    test_count: int
    problems: tuple[FileProblem, ...]


class ServedProject(ProjectNow):
    """`GET /api/project`; `time_ms` is the server's clock."""

    time_ms: int
