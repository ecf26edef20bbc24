"""`dagscope serve`."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import uvicorn
from rich.console import Console
from starlette.applications import Starlette

from dagscope.cli.browser import open_browser
from dagscope.cli.exits import fail
from dagscope.cli.garbage import keep_objects
from dagscope.cli.leaving import leave
from dagscope.cli.progress import TaskProgress
from dagscope.cli.run_command import console_for, ending_signals_handled, show_end, task_of
from dagscope.cli.run_options import new_task_id
from dagscope.cli.settings import read_settings
from dagscope.dag.events.captured_entries import Capture
from dagscope.dag.events.events import Event
from dagscope.dag.ground.errors import DagscopeError
from dagscope.dag.ground.forked_children import closed_in_children
from dagscope.dag.ground.problems import Problem
from dagscope.dag.project.project import Project
from dagscope.dag.run.process_state import take_short_turns
from dagscope.server.app import create_app
from dagscope.server.http.guard import Rules
from dagscope.server.http.hosts import Hosts, is_loopback
from dagscope.server.http.origins import Origins
from dagscope.server.http.stalled_readers import aborting_after
from dagscope.server.teal.origins import ui_origins
from dagscope.server.teal.ui import DOCUMENT
from dagscope.server.workspace.console import TaskEntries, configure_console
from dagscope.server.workspace.listeners import listener_entries
from dagscope.server.workspace.reload import reload_on_change
from dagscope.server.workspace.run_process import RunProcess
from dagscope.server.workspace.settings import Dialect, LogLevel, Settings
from dagscope.server.workspace.spawned_runs import spawn_runs
from dagscope.server.workspace.standard_streams import StandardStreams
from dagscope.server.workspace.workspace import Workspace, open_workspace

_HEADERS_BYTES = 128 * 1024  # the longest task id, percent-encoded, is 48 KiB
_FAULT_AGAIN_S = 60.0
_GRACE_S = 5  # for answers in progress when the server is stopped


@dataclass(frozen=True)
class AccessOptions:
    """Which clients are answered. None leaves a value to the environment (server/workspace/settings.py)."""

    api_token_file: Path | None = None
    organization: str | None = None
    deployment: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """The values that are given, as values of `Settings`. Exits if the file cannot be read."""
        values = {"organization": self.organization, "deployment": self.deployment, "api_token": self._token()}
        lists = {"allowed_hosts": self.allowed_hosts, "allowed_origins": self.allowed_origins}
        return {name: value for name, value in values.items() if value is not None} | {
            name: value for name, value in lists.items() if value
        }

    def _token(self) -> str | None:
        if self.api_token_file is None:
            return None
        try:
            token = self.api_token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--api-token-file: {self.api_token_file} cannot be read: {error}")
        if not token:
            fail(f"--api-token-file: {self.api_token_file} is empty; write the token into it")
        return token


@dataclass(frozen=True)
class TealOptions:
    """How much the server is like Teal's (docs/teal.md). None leaves a value to the environment."""

    dialect: Dialect | None = None
    teal_ui: Path | None = None
    fail_on_tests: bool | None = None

    def settings(self) -> dict[str, Any]:
        """The values that are given, as values of `Settings`."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class ServeOptions:
    """The options of the command."""

    host: str
    port: int
    run_first: bool
    store_logs: bool
    reload: bool
    debug: bool
    open_page: bool
    access: AccessOptions = AccessOptions()
    read_only: bool = False
    teal: TealOptions = TealOptions()


def serve_project(project: Project, options: ServeOptions, problems: tuple[Problem, ...] = ()) -> NoReturn:
    """Serve until stopped, then exit. With `problems`, the project's files cannot be loaded yet."""
    serve(project, options, problems)
    leave(0, at_once=not listener_entries())  # only listeners are code of others in this process


def serve(project: Project, options: ServeOptions, problems: tuple[Problem, ...] = ()) -> None:
    """Serve until stopped. The project of a bundle is only looked at: nothing is started that could execute it."""
    settings = _with_ui(read_settings(_given(options) | (_OF_BUNDLES if project.is_of_bundle else {}), _OPTIONS))
    _check_reach(options.host, settings)
    os.chdir(project.folder)  # files that SQL and Python write to a relative path are created in the project
    take_short_turns()
    listening = _bind(options.host, options.port)
    settings = _with_ui_origins(settings, listening)
    run_process = RunProcess(spawn_runs()) if not project.is_of_bundle else None
    with StandardStreams() as streams, closed_in_children(listening.close):
        configure_console(settings.log_level, settings.log_format, streams.log)
        try:
            asyncio.run(_serve(project, problems, settings, options, listening, run_process))
        except DagscopeError as error:
            fail(str(error))
        finally:
            listening.close()
            if run_process is not None:
                run_process.close()


_OF_BUNDLES = {"read_only": True, "keep_days": None, "keep_bytes": None, "dialect": None, "teal_ui": None}
"""Whatever the environment says for projects."""

_OPTIONS = {
    "api_token": "--api-token-file",
    "organization": "--organization",
    "allowed_hosts": "--allow-host",
    "allowed_origins": "--allow-origin",
    "dialect": "--dialect",
    "teal_ui": "--teal-ui",
}


def _check_reach(host: str, settings: Settings) -> None:
    """Exit if other machines could reach the server and it would not know whom to let in, or by which name."""
    for setting, check in (("allowed_hosts", Hosts.of), ("allowed_origins", Origins.of)):
        try:
            check(getattr(settings, setting))
        except ValueError as error:
            fail(f"{_OPTIONS[setting]}: {error}")
    addresses = _addresses(host)
    if not addresses or all(map(is_loopback, addresses)):
        return
    missing = [] if settings.api_token is not None else ["an API token (--api-token-file FILE, or DAGSCOPE_API_TOKEN)"]
    if not settings.allowed_hosts:
        missing.append("the names that clients use (--allow-host NAME, or DAGSCOPE_ALLOWED_HOSTS)")
    if missing:
        fail(f"--host {host} can be reached from other machines. That needs {' and '.join(missing)}.")


def _with_ui(settings: Settings) -> Settings:
    """The settings, whatever the current folder is. Exits if Teal's UI could not be served or not read the answers."""
    folder = settings.teal_ui
    if folder is None:
        return settings
    if settings.dialect is None:
        fail(f"{_OPTIONS['teal_ui']}: Teal's UI reads answers in Teal's shapes; add --dialect {Dialect.TEAL_V1}")
    if not (folder / DOCUMENT).is_file():
        fail(f"{_OPTIONS['teal_ui']}: {folder} has no {DOCUMENT}; name the folder of the UI's built files")
    return settings.model_copy(update={"teal_ui": folder.resolve()})


def _with_ui_origins(settings: Settings, listening: socket.socket) -> Settings:
    """The settings with the origins of Teal's UI, unless others are named."""
    if settings.dialect is None or settings.allowed_origins:
        return settings
    origins = ui_origins(listening.getsockname()[1], is_served_here=settings.teal_ui is not None)
    return settings.model_copy(update={"allowed_origins": origins})


def _addresses(host: str) -> set[str]:
    """What a host stands for; nothing if it is not known, which binding to it reports."""
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (UnicodeError, OSError):
        return set()


def _given(options: ServeOptions) -> dict[str, Any]:
    """What the options set; the environment sets the rest."""
    debugging = {"debug": True, "log_level": LogLevel.DEBUG} if options.debug else {}
    limiting = ({} if options.store_logs else {"store_logs": False}) | (
        {"read_only": True} if options.read_only else {}
    )
    return limiting | debugging | options.access.settings() | options.teal.settings()


def _bind(host: str, port: int) -> socket.socket:
    """The socket, bound but not listening: connections are refused until the server is ready."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # asyncio sets TCP_NODELAY only if TCP is named. Without it, answers on a kept connection wait 40 ms for ACKs.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except UnicodeError:  # a part between two dots is empty or longer than 63 characters
        fail(f"cannot listen on {host}: not the name or address of a host; choose another with --host")
    except OSError as error:
        fail(f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port")
    return listening


class _Server(uvicorn.Server):
    """uvicorn, without its habit of raising a caught SIGTERM again, which ends the process before its clean-up."""

    def __init__(self, config: uvicorn.Config, workspace: Workspace) -> None:
        super().__init__(config)
        self._workspace = workspace

    def session_code(self) -> str | None:
        """The code that opens the page's first session; None without an API token."""
        rules: Rules = self.config.app.state.rules  # type: ignore[union-attr]  # the application, not its name
        return rules.sessions.code if rules.sessions is not None else None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cancel what runs, and what is read, first: its POSTs then answer, and its streams end by themselves."""
        await asyncio.gather(self._workspace.reads.close(), self._workspace.tasks.close())
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with ending_signals_handled(self.handle_exit):
            yield


class _LoopFaults:
    """Reports faults of the event loop, each kind once a minute: without free descriptors, every accept fails."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._unreported: Counter[str] = Counter()

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        kind = f"{context.get('message')}: {type(context.get('exception')).__name__}"
        if time.monotonic() - self._last.get(kind, -_FAULT_AGAIN_S) < _FAULT_AGAIN_S:
            self._unreported[kind] += 1
            return
        self._last[kind] = time.monotonic()
        loop.default_exception_handler(context | {"unreported before": self._unreported.pop(kind, 0)})


class _Console:
    """The listener of a server: shows the progress of its first run, then the entries of every task."""

    def __init__(self, level: LogLevel) -> None:
        self.progress: TaskProgress | None = None
        self._entries = TaskEntries(level)

    def __call__(self, event: Event) -> None:
        (self.progress or self._entries)(event)


async def _serve(
    project: Project,
    problems: tuple[Problem, ...],
    settings: Settings,
    options: ServeOptions,
    listening: socket.socket,
    run_process: RunProcess | None,
) -> None:
    asyncio.get_running_loop().set_exception_handler(_LoopFaults())
    listener = _Console(settings.log_level)
    async with open_workspace(project, settings, (listener,), problems, run_process) as workspace:
        with Capture(workspace.emit, lambda: workspace.project.redaction, workspace.settings.log_limits):
            server = _Server(_config(workspace), workspace)
            serving = asyncio.create_task(server.serve([listening]))
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            console = console_for(sys.stdout)
            address = _address(listening)
            workspace.owner.announce(address)
            console.print(f"Serving {project.name} at {address}", highlight=False, soft_wrap=True)
            keep_objects()
            if problems and options.reload:  # the reload that starts now reports each of them
                console.print("The project cannot be loaded; serving what there is until its files are fixed")
            if options.open_page:
                no_browser = f"No browser could be opened: open {address}/"
                open_browser(address, lambda: console.print(no_browser, highlight=False, soft_wrap=True))
            runs_first = options.run_first and not problems
            running = asyncio.create_task(_first_run(workspace, listener, console, address)) if runs_first else None
            if (code := server.session_code()) is not None:
                console.print(f"Open {address}/#code={code} (works once)", highlight=False, soft_wrap=True)
            reloading = asyncio.create_task(reload_on_change(workspace)) if options.reload else None
            await serving
            for task in (running, reloading):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task


def _config(workspace: Workspace) -> uvicorn.Config:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Workspace]:
        yield workspace

    settings = workspace.settings
    app: Starlette = create_app(opened, dialect=settings.dialect, teal_ui=settings.teal_ui)
    return uvicorn.Config(
        app,
        # h11: httptools accepted duplicate Host headers and megabytes of headers
        http=aborting_after(workspace.settings.stalled_reader_s, workspace.settings.slow_sender_s),
        h11_max_incomplete_event_size=_HEADERS_BYTES,
        proxy_headers=False,
        server_header=False,
        access_log=False,  # it would print query strings
        log_config=None,
        log_level="error",  # its warnings are about what clients send: any page or machine could fill the log with them
        timeout_graceful_shutdown=_GRACE_S,
        ws="none",
    )


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _first_run(workspace: Workspace, listener: _Console, console: Console, address: str) -> None:
    task_id = new_task_id()
    with TaskProgress(console, task_id) as progress:
        listener.progress = progress
        active = await workspace.tasks.run(workspace.project, task_id)
        await active.ended.wait()
        listener.progress = None
    task = await task_of(workspace, task_id)
    show_end(console, task)
    project = workspace.project
    curl = "curl" if workspace.settings.api_token is None else 'curl -H "Authorization: Bearer $TOKEN"'
    shown = next((name for name in reversed(project.graph.order) if not project.assets[name].is_raw), "")
    console.print(
        "\nTry:\n"
        f"  {curl} {address}/api/dag/status/{task_id}\n"
        f"  {curl} '{address}/api/dag/asset/{shown}/data?limit=5'\n"
        f"  {curl} -N '{address}/api/events?taskId={task_id}&lastEventId=0'\n"
        f"Open {address}/ in a browser, and stop with Ctrl-C.",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
