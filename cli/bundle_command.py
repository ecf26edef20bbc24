"""`dagscope bundle`."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from starlette.concurrency import run_in_threadpool

from dagscope.cli.exits import counted, fail
from dagscope.cli.http_client import HttpFailed
from dagscope.cli.project_answers import client_of, path_and_query, reason_of, there_or_here
from dagscope.cli.run_command import console_for
from dagscope.dag.ground.terminal_text import shown
from dagscope.server.workspace.bundles import Asked, NotBundled, bundling_of, chosen_tasks
from dagscope.server.workspace.workspace import Workspace
from dagscope.storage.bundle_file import FRAMES, BundleRefused, Manifest
from dagscope.storage.bundles import Note, read_manifest


@dataclass(frozen=True)
class BundleOptions:
    """The options of the command; `newest` is None if it is not given."""

    tasks: tuple[str, ...]
    newest: int | None
    has_rows: bool
    file: Path


def write_bundle_file(folder: Path, options: BundleOptions) -> None:
    """Write a bundle and say what is in it and what is not. Exits if there is nothing to bundle."""
    with progress_line(console_for(sys.stderr)) as note, _new_file(options.file) as file:
        there_or_here(
            folder,
            lambda address: _download(address, options, file, note),
            lambda workspace: _bundle(workspace, options, file, note),
        )
    try:
        manifest = read_manifest(options.file)
    except (BundleRefused, OSError) as error:
        fail(f"{options.file} is incomplete: {error}")
    for line in _summary(options.file, manifest):
        click.echo(shown(line))


@contextmanager
def progress_line(console: Console) -> Iterator[Note]:
    """A line on a terminal that says what is being done, and is gone after the block."""
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda said: status.update(shown(said))


@contextmanager
def _new_file(file: Path) -> Iterator[IO[bytes]]:
    """A file that only this user can read, and that has its name once it is written. Exits if it cannot be."""
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        try:
            with os.fdopen(descriptor, "wb") as opened:
                yield opened
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror or error}")


def _download(address: str, options: BundleOptions, file: IO[bytes], note: Note) -> None:
    query = {
        "taskId": options.tasks or None,
        "tasks": options.newest,
        "noRows": None if options.has_rows else "true",
    }
    try:
        with client_of(address).download(path_and_query("/api/bundle", query)) as answer:
            if answer.status != 200:
                fail(reason_of(b"".join(answer.chunks).decode("utf-8", "replace")))
            for chunk in answer.chunks:
                file.write(chunk)
                note(f"Receiving the bundle: {_size(file.tell())}")
    except HttpFailed as error:
        fail(str(error))


async def _bundle(workspace: Workspace, options: BundleOptions, file: IO[bytes], note: Note) -> None:
    try:
        tasks = await chosen_tasks(workspace, Asked(options.tasks, options.newest or 1))
    except NotBundled as error:
        fail(f"{error.title}: {error}")

    def write() -> None:
        for done in bundling_of(workspace, tasks, options.has_rows, file):
            note(done)

    await run_in_threadpool(write)


def _summary(file: Path, manifest: Manifest) -> Iterator[str]:
    tasks = " and ".join(manifest.tasks) if len(manifest.tasks) < 3 else f"{len(manifest.tasks)} tasks"
    captured = sum(name.startswith(FRAMES) for name in manifest.members)
    yield f"Wrote {file}: {tasks} of {manifest.project}, {_size(file.stat().st_size)}"
    if manifest.has_rows:
        yield f"With rows of your data: {counted(captured, 'captured result')}; --no-rows leaves them out"
    left_out = ["the databases", "secrets", "variables of the environment"]
    if not manifest.has_rows:
        left_out.insert(0, "all rows")
    if manifest.other_tasks:
        left_out.append(counted(manifest.other_tasks, "other task"))
    yield f"Left out: {', '.join(left_out)}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"
