"""`dagscope prune`."""

import asyncio
import sqlite3
from collections.abc import Collection
from pathlib import Path

import click

from dagscope.cli.dagscope import counted, fail
from dagscope.dag.ground.errors import DagscopeError, ProjectInvalid
from dagscope.dag.project.loading import load_project
from dagscope.storage.database import open_writer
from dagscope.storage.frame_files import FrameFiles
from dagscope.storage.migrations import migrate
from dagscope.storage.recorder import Recorder
from dagscope.storage.retention import Pruned, Retention, prune
from dagscope.storage.state_folder import StateFolder


def prune_state(folder: Path, keep_days: float | None, keep_bytes: int | None, dry_run: bool) -> None:
    """Prune a project's state and say what went; exit if it is in use, or there is none."""
    state = StateFolder.of_project(folder.resolve())
    if not state.database.exists():
        fail(f"{folder.resolve()} has no state; nothing was ever run there")
    try:
        pruned = asyncio.run(_prune(state, Retention(keep_days, keep_bytes), _assets(folder.resolve()), dry_run))
    except DagscopeError as error:
        fail(str(error))
    verb = "Would let go of" if dry_run else "Let go of"
    for task in pruned.tasks:
        click.echo(task)
    click.echo(f"{verb} {counted(len(pruned.tasks), 'task')}: {pruned.bytes_before:,} -> {pruned.bytes_after:,} bytes")


def _assets(folder: Path) -> Collection[str] | None:
    """The assets of the DAG; None where its files cannot be loaded."""
    try:
        return load_project(folder).assets
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
        if pruned.tasks and not dry_run:
            _give_back(state.database)
    return pruned


def _give_back(database: Path) -> None:
    """Return the freed pages to the file system."""
    connection = sqlite3.connect(database)
    try:
        connection.execute("VACUUM")
    finally:
        connection.close()
