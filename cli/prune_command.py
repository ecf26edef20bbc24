"""`dagscope prune`."""

import asyncio
import sqlite3
from collections.abc import Collection
from pathlib import Path

import click

from dagscope.cli.exits import counted, fail
from dagscope.cli.loading import loaded, resolved
from dagscope.dag.ground.errors import DagscopeError, ProjectInvalid
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.terminal_text import shown
from dagscope.storage.database import open_writer
from dagscope.storage.migrations import migrate
from dagscope.storage.recorder import Recorder
from dagscope.storage.retention import Pruned, prune
from dagscope.storage.retention_limits import Retention
from dagscope.storage.state_folder import StateFolder


def prune_state(folder: Path, keep_days: float | None, keep_bytes: int | None, dry_run: bool) -> None:
    """Prune a project's state and report what was deleted. Exits if there is no state or it is in use."""
    folder = resolved(folder)
    state = StateFolder.of_project(folder)
    try:
        if state.in_use_by() is None and not state.holds_anything():
            fail(f"{folder} has no state; nothing was ever run there")
        pruned = asyncio.run(_prune(state, Retention(keep_days, keep_bytes), _assets(folder), dry_run))
    except DagscopeError as error:
        fail(str(error))
    for task in pruned.tasks:
        click.echo(shown(task))
    what = counted(len(pruned.tasks), "task")
    if pruned.entries:
        what += f" and {counted(pruned.entries, 'log entry', 'log entries')} without a task"
    verb = "Would delete" if dry_run else "Deleted"
    click.echo(f"{verb} {what}: {pruned.bytes_before:,} -> {pruned.bytes_after:,} bytes")


def _assets(folder: Path) -> Collection[str] | None:
    """The assets of the DAG; None where its files cannot be loaded."""
    try:
        return loaded(folder).assets
    except ProjectInvalid:
        return None


async def _prune(state: StateFolder, retention: Retention, assets: Collection[str] | None, dry_run: bool) -> Pruned:
    with state.owned():
        migrate(state)
        writer = open_writer(state.database)
        try:
            async with Recorder(writer, lambda _: None) as recorder:
                pruned = await prune(recorder, FrameFiles(state.frames), retention, assets, dry_run)
        finally:
            writer.dispose()
        if (pruned.tasks or pruned.entries) and not dry_run:
            _give_back(state.database)
    return pruned


def _give_back(database: Path) -> None:
    """Return the freed pages to the file system."""
    connection = sqlite3.connect(database)
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()
