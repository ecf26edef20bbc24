"""`dagscope`: create a project, check it, print its graph, run it, serve it (docs/cli.md)."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dagscope.cli.exits import EXIT_INTERRUPTED, counted, fail
from dagscope.cli.garbage import garbage_left
from dagscope.cli.plus.commands import plus
from dagscope.dag.ground.terminal_text import shown

if TYPE_CHECKING:
    from dagscope.dag.ground.problems import Problem
    from dagscope.dag.project.project import Project
    from dagscope.storage.state_folder import StateFolder, StateInUse

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PROJECT = click.option(
    "--project",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The project folder (default: the current folder).",
)


class _Examples(click.Command):
    """A command whose help ends with examples, one per line."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples

    def format_epilog(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + "\n".join(self.examples))


class _Commands(click.Group):
    def invoke(self, context: click.Context) -> Any:
        """Run a command. If it is interrupted before it handles that itself, exit as shells expect."""
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            fail("Interrupted", EXIT_INTERRUPTED)


@click.group(cls=_Commands, context_settings=_CONTEXT, no_args_is_help=True)
@click.version_option(package_name="dagscope", prog_name="dagscope")
def main() -> None:
    """A debug server for DAGs of SQL assets.

    \b
    Examples:
      dagscope init demo --example nycflights    create a project to try things on
      dagscope run --project demo                run it, with progress and a summary table
      dagscope serve --project demo              look at everything at http://127.0.0.1:8080
    """
    _fill_standard_descriptors()


@main.command(
    cls=_Examples,
    examples=("dagscope init", "dagscope init flights --example nycflights"),
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), metavar="[DIR]")
@click.option("--example", type=click.Choice(["hello", "nycflights"]), default="hello", show_default=True)
def init(folder: Path, example: str) -> None:
    """Create a project in DIR (default: the current folder) from an example."""
    from dagscope.cli.examples_folder import copy_example

    try:
        copied = copy_example(example, folder)
    except OSError as error:
        fail(str(error))
    shown = "" if folder == Path() else f" --project {folder}"
    click.echo(f"Created {folder.resolve()} with {copied} files.\nNext: dagscope run{shown}")


@main.command(cls=_Examples, examples=("dagscope check", "dagscope check --project demo --json"))
@_PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print problems, warnings and versions as one JSON document.")
def check(folder: Path, as_json: bool) -> None:
    """Check a project's files; nothing is run. Exit code 2 if there are problems."""
    from dagscope.cli.check_command import check_project

    sys.exit(check_project(folder, as_json))


@main.command(cls=_Examples, examples=("dagscope graph", "dagscope graph --format json | jq '.nodes[].name'"))
@_PROJECT
@click.option("--format", "format_", type=click.Choice(["mermaid", "json"]), default="mermaid", show_default=True)
def graph(folder: Path, format_: str) -> None:
    """Print the DAG, as a Mermaid diagram or as JSON."""
    from dagscope.cli.graph_command import as_json, as_mermaid

    project = _load(folder)
    click.echo(as_mermaid(project) if format_ == "mermaid" else as_json(project))


@main.command(
    cls=_Examples,
    examples=(
        "dagscope run",
        'dagscope run --project demo --task-id nightly --data \'{"since": "2013-01-01"}\'',
        "dagscope run --select 'state:failed+'",
        "dagscope run --break-at dds.fct_flight --break-at 'mart.late:rows < 1'",
        "dagscope run --json | jq .status",
    ),
)
@_PROJECT
@click.option("--task-id", help="The id of the task (default: task_YYYYMMDD_HHMMSS).")
@click.option("--data", help="The run's data: a JSON object, or @FILE with one.")
@click.option("--select", help="Run only these assets, such as +mart.x, dds.y+, stage:dds or state:failed.")
@click.option("--no-tests", is_flag=True, help="Run no data tests.")
@click.option("--profile", is_flag=True, help="Store a profile of each DuckDB or Spark statement.")
@click.option(
    "--break-at",
    "break_at",
    multiple=True,
    metavar="ASSET[:WHEN]",
    help="Hold after this asset and ask. WHEN: before, failed or such as 'rows < 1'. Can be repeated.",
)
@click.option("--capture", metavar="WHAT", help="Keep rows of each relation: framed, all, or rows and a number.")
@click.option("--json", "as_json", is_flag=True, help="Print the task's status as JSON, and nothing else.")
def run(
    folder: Path,
    task_id: str | None,
    data: str | None,
    select: str | None,
    no_tests: bool,
    profile: bool,
    break_at: tuple[str, ...],
    capture: str | None,
    as_json: bool,
) -> None:
    """Run the DAG, or a part of it, and wait until it ends.

    Exit code 0 if it succeeded, 1 if it failed, 2 if the project or the usage is invalid, 130 if it was interrupted.
    """
    from dagscope.cli.run_options import (
        RunOptions,
        checked_task_id,
        read_breakpoints,
        read_capture,
        read_data,
        read_select,
    )

    options = RunOptions(
        checked_task_id(task_id),
        read_data(data),
        not no_tests,
        profile,
        as_json,
        read_select(select),
        read_breakpoints(break_at, as_json),
        read_capture(capture),
    )
    state = _state_of(folder)
    owner = _owner_of(state)
    if owner is not None and owner.address:
        from dagscope.cli.remote_run import run_on_server

        sys.exit(run_on_server(state, owner.address, options))
    with garbage_left():
        from dagscope.cli.run_command import run_project
    run_project(_load(folder), options)


@main.command(
    cls=_Examples,
    examples=(
        "dagscope steps dds.airport_day --project demo",
        "dagscope steps dds.airport_day --step 5 --limit 3",
        "dagscope steps root.test_planes_known --json | jq '.steps[] | [.title, .rowCount]'",
    ),
)
@click.argument("name", metavar="NAME")
@_PROJECT
@click.option("--step", metavar="ID", help="Show this step alone, with its first rows.")
@click.option(
    "--limit",
    type=click.IntRange(0, 10_000),
    default=10,
    show_default=True,
    help="With --step: how many rows to show.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer of the HTTP API, and nothing else.")
def steps(name: str, folder: Path, step: str | None, limit: int, as_json: bool) -> None:
    """Count the rows of each CTE, subquery and clause of an asset's or a data test's query.

    Exit code 1 if the database cannot be read, 2 if the query cannot be taken apart or the usage is invalid.
    """
    project, address = _project_and_address(folder)
    with garbage_left():
        from dagscope.cli.steps_command import StepsOptions, show_steps
    show_steps(project, address, StepsOptions(name, step, limit, as_json))


@main.command(
    cls=_Examples,
    examples=(
        "dagscope lineage dds.airport_day --project demo",
        "dagscope lineage dds.airport_day.cancelled",
        "dagscope lineage dds.airport_day --json | jq '.columns[] | [.name, .how]'",
    ),
)
@click.argument("name", metavar="ASSET[.COLUMN]")
@_PROJECT
@click.option("--json", "as_json", is_flag=True, help="Print the answer of the HTTP API, and nothing else.")
def lineage(name: str, folder: Path, as_json: bool) -> None:
    """Print the columns that an asset's columns come from; or all that one column comes from and goes to.

    Exit code 1 if the database cannot be read, 2 if the query cannot be taken apart or the usage is invalid.
    """
    project, address = _project_and_address(folder)
    with garbage_left():
        from dagscope.cli.lineage_command import print_lineage
    print_lineage(project, address, name, as_json)


@main.command(
    cls=_Examples,
    examples=(
        "dagscope trace dds.airport_day --key 2013-01-01,EWR --project demo",
        "dagscope trace dds.fct_flight --where tail_number=N14228 --limit 3",
        "dagscope trace dds.airport_day --key 2013-01-01,EWR --json | jq '.upstreams[].sentence'",
    ),
)
@click.argument("asset", metavar="ASSET")
@_PROJECT
@click.option("--key", metavar="VALUE,...", help="The row with these values of the primary key, in its order.")
@click.option(
    "--where", multiple=True, metavar="COLUMN=VALUE", help="The row with this value in the column. Can be repeated."
)
@click.option(
    "--limit",
    type=click.IntRange(0, 1_000),
    default=5,
    show_default=True,
    help="How many rows of each asset to show.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer of the HTTP API, and nothing else.")
def trace(asset: str, folder: Path, key: str | None, where: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Print the rows of upstreams that a row of ASSET comes from, and those of downstreams that it goes to.

    Exit code 1 if the database cannot be read, 2 if the query cannot be taken apart or the usage is invalid.
    """
    project, address = _project_and_address(folder)
    with garbage_left():
        from dagscope.cli.trace_command import TraceOptions, print_trace
    options = TraceOptions(asset, key, where, limit, as_json)
    print_trace(project, address, options)


@main.command(
    cls=_Examples,
    examples=("dagscope serve", "dagscope serve --project demo --port 9000 --run", "dagscope serve --open --reload"),
)
@_PROJECT
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0 picks a free port.")
@click.option("--run", "run_first", is_flag=True, help="Run the DAG once the server answers.")
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser once the server answers.")
@click.option("--no-log-store", is_flag=True, help="Do not store log entries; the log endpoints then answer 501.")
@click.option("--read-only", is_flag=True, help="Refuse requests that run, change or delete something.")
@click.option("--reload", "reload_", is_flag=True, help="Reload the project whenever one of its files is saved.")
@click.option(
    "--api-token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Require clients to send the token in FILE. Alternatively, set DAGSCOPE_API_TOKEN.",
)
@click.option("--organization", metavar="NAME", help="Refuse clients that name another organization.")
@click.option("--deployment", metavar="NAME", help="Refuse clients that name another deployment.")
@click.option(
    "--allow-host", "allowed_hosts", multiple=True, metavar="NAME", help="Answer to this name too. Can be repeated."
)
@click.option(
    "--allow-origin",
    "allowed_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin send requests and read the answers. Can be repeated.",
)
@click.option(
    "--dialect",
    type=click.Choice(["teal-v1"]),
    help="Answer in the shapes of Teal 1.3, for its UI and for other clients of Teal.",
)
@click.option(
    "--teal-ui",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Serve Teal's own UI, whose built files are in DIR, instead of the page. With --dialect teal-v1.",
)
@click.option(
    "--fail-on-tests",
    is_flag=True,
    help="With --dialect teal-v1: still skip the downstreams of an asset whose data tests failed.",
)
@click.option("--debug", is_flag=True, help="Log more, and show stack traces of unexpected errors.")
def serve(
    folder: Path,
    host: str,
    port: int,
    run_first: bool,
    open_page: bool,
    no_log_store: bool,
    read_only: bool,
    reload_: bool,
    api_token_file: Path | None,
    organization: str | None,
    deployment: str | None,
    allowed_hosts: tuple[str, ...],
    allowed_origins: tuple[str, ...],
    dialect: str | None,
    teal_ui: Path | None,
    fail_on_tests: bool,
    debug: bool,
) -> None:
    """Serve the project's page, HTTP API and event stream until stopped with Ctrl-C."""
    owner = _owner_of(_state_of(folder))  # asked before the slow imports: a second server is refused at once
    if owner is not None:
        fail(str(owner))
    with garbage_left():
        from dagscope.cli.serve_command import AccessOptions, ServeOptions, TealOptions, serve_project
    from dagscope.server.workspace.settings import Dialect

    access = AccessOptions(api_token_file, organization, deployment, allowed_hosts, allowed_origins)
    teal = TealOptions(Dialect(dialect) if dialect else None, teal_ui, fail_on_tests or None)
    options = ServeOptions(host, port, run_first, not no_log_store, reload_, debug, open_page, access, read_only, teal)
    project, problems = _load_for_reload(folder) if reload_ else (_load(folder), ())
    serve_project(project, options, problems)


@main.command(
    cls=_Examples,
    examples=("dagscope ledger staging.orders_paid", "dagscope ledger staging.orders_paid --json | jq '.tasks[0]'"),
)
@_PROJECT
@click.argument("test", metavar="TEST")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="The number of tasks.")
@click.option("--task-id", help="The newest of these tasks (default: the newest of all).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else.")
def ledger(folder: Path, test: str, limit: int, task_id: str | None, as_json: bool) -> None:
    """Print which rows that violate the data test TEST are new, which are fixed and which still fail."""
    with garbage_left():
        from dagscope.cli.ledger_command import print_ledger
    print_ledger(folder, test, limit, task_id, as_json)


@main.command(
    cls=_Examples,
    examples=(
        "dagscope compare",
        "dagscope compare monday tuesday",
        "dagscope compare --rows mart.orders",
        "dagscope compare --json | jq '.red[].causes[0]'",
    ),
)
@_PROJECT
@click.argument("before", required=False, metavar="[FROM]")
@click.argument("after", required=False, metavar="[TO]")
@click.option("--rows", "asset", metavar="ASSET", help="List the rows of this asset that differ, instead.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="The number of rows of --rows."
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON, and nothing else.")
def compare(folder: Path, before: str | None, after: str | None, asset: str | None, limit: int, as_json: bool) -> None:
    """Say what differs between two tasks, and why nodes are red.

    FROM is by default the last task in which all assets of the other one succeeded, and TO the newest task.
    """
    if asset is not None:
        with garbage_left():
            from dagscope.cli.compared_rows import print_rows
        print_rows(folder, asset, before, after, limit, as_json)
        return
    with garbage_left():
        from dagscope.cli.compare_command import print_comparison
    print_comparison(folder, before, after, as_json)


@main.command(
    cls=_Examples,
    examples=(
        "dagscope bundle -o today.dagscope",
        "dagscope bundle monday --project demo --no-rows -o monday.dagscope",
    ),
)
@_PROJECT
@click.argument("tasks", nargs=-1, metavar="[TASK...]")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option("--tasks", "newest", type=click.IntRange(1, 500), help="So many of the newest tasks, instead of TASK.")
@click.option("--no-rows", is_flag=True, help="Leave out captured rows and values.")
def bundle(folder: Path, tasks: tuple[str, ...], file: Path, newest: int | None, no_rows: bool) -> None:
    """Write tasks with all that is kept of them to one file, which `dagscope open` shows on any machine.

    By default, it is the newest task. The task that it is compared with goes with it.
    """
    if tasks and newest is not None:
        raise click.UsageError("give TASK or --tasks, not both")
    with garbage_left():
        from dagscope.cli.bundle_command import BundleOptions, write_bundle_file
    write_bundle_file(folder, BundleOptions(tasks, newest, not no_rows, file))


@main.command(
    "open",
    cls=_Examples,
    examples=("dagscope open monday.dagscope", "dagscope open monday.dagscope --port 9000 --open"),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="The port (default: a free one).")
@click.option("--open", "open_page", is_flag=True, help="Open the page in a browser once the server answers.")
def open_(file: Path, port: int, open_page: bool) -> None:
    """Check a bundle and show it, with the page and the API, until stopped with Ctrl-C. Nothing of it is executed."""
    try:
        file.open("rb").close()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    with garbage_left():
        from dagscope.cli.open_command import open_bundle
    open_bundle(file, port, open_page)


@main.command(
    cls=_Examples,
    examples=("dagscope prune --keep-days 30 --dry-run", "dagscope prune --project demo --keep-bytes 1000000000"),
)
@_PROJECT
@click.option(
    "--keep-days", type=click.FloatRange(0), help="Delete tasks, and log entries without a task, older than this."
)
@click.option(
    "--keep-bytes", type=click.IntRange(0), help="Delete the oldest tasks until the rest take at most this many bytes."
)
@click.option("--dry-run", is_flag=True, help="Only report what would be deleted.")
def prune(folder: Path, keep_days: float | None, keep_bytes: int | None, dry_run: bool) -> None:
    """Delete old tasks: their logs, run events, results and frames. What the DAG shows now is kept."""
    if keep_days is None and keep_bytes is None:
        raise click.UsageError("give --keep-days, --keep-bytes, or both")
    from dagscope.cli.prune_command import prune_state

    prune_state(folder, keep_days, keep_bytes, dry_run)


@main.command(
    cls=_Examples,
    examples=(
        "dagscope timings",
        "dagscope timings nightly --asset dds.fct_flight --percent 10",
        "dagscope timings --plan dds.fct_flight",
    ),
)
@_PROJECT
@click.argument("task", metavar="[TASK]", required=False)
@click.option("--asset", help="Only what would be if this asset were faster (default: those that took longest).")
@click.option(
    "--percent",
    type=click.IntRange(0, 1000),
    default=50,
    show_default=True,
    help="How much of its time an asset takes in what-ifs.",
)
@click.option("--plan", metavar="ASSET", help="Compare the plans of this asset's statements with its last fast run.")
@click.option("--against", metavar="TASK", help="With --plan: compare with this task instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and nothing else.")
def timings(
    folder: Path,
    task: str | None,
    asset: str | None,
    percent: int,
    plan: str | None,
    against: str | None,
    as_json: bool,
) -> None:
    """Print why the task TASK (default: the newest) took as long as it did, and what would make it faster.

    With --plan, TASK is by default the one that executed the asset last.
    """
    if plan is None and against is not None:
        fail("--against needs --plan ASSET")
    if plan is not None and asset is not None:
        fail("--plan and --asset answer different questions; give one of them")
    if plan is not None:
        with garbage_left():
            from dagscope.cli.plans_command import print_plans
        print_plans(folder, plan, task, against, as_json)
        return
    with garbage_left():
        from dagscope.cli.timings_command import print_timings
    print_timings(folder, task, asset, percent, as_json)


def _fill_standard_descriptors() -> None:
    """Open the descriptors 0 to 2 if the process was started without them, for example by `serve 2>&-`.

    Otherwise the next file that is opened would become one of them, and receive what is written to standard error.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free descriptor, which is this one


def _owner_of(state: "StateFolder") -> "StateInUse | None":
    """The process that uses the state, if any. Exits if the state belongs to another user."""
    from dagscope.storage.state_folder import StateUnusable

    try:
        return state.in_use_by()
    except StateUnusable as error:
        fail(str(error))


def _state_of(folder: Path) -> "StateFolder":
    from dagscope.cli.loading import resolved
    from dagscope.storage.state_folder import StateFolder

    return StateFolder.of_project(resolved(folder))


main.add_command(plus)


def _project_and_address(folder: Path) -> tuple["Project", str | None]:
    """The project as its files are now, and the address of its server; None if it is not being served."""
    owner = _owner_of(_state_of(folder))
    return _load(folder), owner.address if owner is not None else None


def _load(folder: Path) -> "Project":
    """The project. Prints its problems and exits if it has any."""
    from dagscope.cli.loading import loaded, resolved
    from dagscope.dag.ground.errors import ProjectInvalid

    try:
        return loaded(folder)
    except ProjectInvalid as error:
        problems = "\n".join(shown(str(problem)) for problem in error.problems)
        fail(f"{problems}\n{counted(len(error.problems), 'problem')} in {resolved(folder)}")


def _load_for_reload(folder: Path) -> "tuple[Project, tuple[Problem, ...]]":
    """The project; or one without assets, and the problems of the files."""
    from dagscope.cli.loading import loaded, resolved
    from dagscope.dag.ground.errors import ProjectInvalid
    from dagscope.dag.project.project import Project

    try:
        return loaded(folder), ()
    except ProjectInvalid as error:
        return Project.without_assets(resolved(folder)), error.problems
