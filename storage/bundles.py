"""Bundles: tasks of a state with their captured results and the project's files, in one file (docs/bundles.md)."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dagscope.dag.ground.clock import iso_time, now_ms
from dagscope.dag.ground.errors import FrameDamaged
from dagscope.dag.ground.foreign_frames import ForeignFrameRefused, check_frame, check_value, in_little_memory
from dagscope.dag.ground.frame_files import FrameFiles
from dagscope.dag.ground.version import VERSION as DAGSCOPE
from dagscope.storage import bundle_file
from dagscope.storage.bundle_file import (
    FORMAT,
    FRAMES,
    PROJECT,
    STATE,
    VERSION,
    BundleReader,
    BundleRefused,
    BundleWriter,
    Manifest,
    Written,
    is_member,
)
from dagscope.storage.bundled_rows import Change, rows_of, write_rows
from dagscope.storage.migrations import migrate
from dagscope.storage.state_folder import StateFolder

_CHUNK_BYTES = 1 << 20

Note = Callable[[str], None]
"""Called with what is being done now, for people."""


@dataclass(frozen=True)
class Bundled:
    """What a bundle is made of. `files` are those of the project by path; `changes` are those of rows, by table."""

    project: str
    tasks: tuple[str, ...]
    has_rows: bool
    files: Mapping[str, str]
    changes: Mapping[str, Change]


def bundling(file: Written, state: StateFolder, frames: FrameFiles, bundled: Bundled) -> Iterator[str]:
    """Write a bundle to a file, from one moment of the state, in small steps. Yields what is done in each, for people.

    Raises `BundleTooLarge`, `FrameDamaged` or `OSError`.
    """
    writer = BundleWriter(file)
    for path, text in sorted(bundled.files.items()):
        if is_member(PROJECT + path):
            writer.write(PROJECT + path, text.encode("utf-8", "replace"))
    with rows_of(state.database, bundled.tasks, bundled.has_rows) as rows:
        for table in rows.columns:
            with writer.member(f"{STATE}{table}.jsonl") as member:
                for lines in rows.lines(table, bundled.changes.get(table)):
                    member.write(lines)
                    yield f"Packing rows of {table}"
        found, other_tasks = rows.frames(), rows.other_tasks()
        for number, (digest, is_table) in enumerate(found, 1):
            for _ in _write_frame(writer, frames.path(digest, ".arrow" if is_table else ".json"), digest):
                yield f"Packing captured results, {number:,} of {len(found):,}"
        writer.finish(
            Manifest(
                format=FORMAT,
                version=VERSION,
                dagscope=DAGSCOPE,
                project=bundled.project,
                created=iso_time(now_ms()),
                tasks=bundled.tasks,
                other_tasks=other_tasks,
                has_rows=bundled.has_rows,
                tables=rows.columns,
            )
        )


def _write_frame(writer: BundleWriter, frame: Path, digest: str) -> Iterator[None]:
    try:
        with frame.open("rb") as opened, writer.member(FRAMES + frame.name) as member:
            while chunk := opened.read(_CHUNK_BYTES):
                member.write(chunk)
                yield
    except FileNotFoundError as error:
        raise FrameDamaged(f"frame {digest} cannot be used: it is missing; run its asset again") from error
    if member.digest != digest:
        raise FrameDamaged(f"frame {digest} cannot be used: its bytes have changed; run its asset again")


def read_manifest(path: Path) -> Manifest:
    """What a bundle says of itself. Raises `BundleRefused`, or `OSError` if the file cannot be read."""
    with bundle_file.opened(path) as bundle:
        return bundle.manifest


def unpack(path: Path, folder: Path, note: Note) -> Manifest:
    """Check a bundle, and make a project with a state of it in a folder that is empty and private.

    Nothing of it is executed. Raises `BundleRefused`, or `OSError`; the folder then holds a part of it.
    """
    with bundle_file.opened(path) as bundle, in_little_memory():
        needed = sum(member.bytes for member in bundle.manifest.members.values())
        if needed > shutil.disk_usage(folder).free:
            remedy = "free some space, or name another folder with TMPDIR"
            raise BundleRefused(f"it needs {needed:,} bytes in {folder}, which has not as many free", remedy)
        for name in bundle.names(PROJECT):
            file = folder / name.removeprefix(PROJECT)
            file.parent.mkdir(parents=True, exist_ok=True)
            bundle.save(name, file)
        state = StateFolder.of_project(folder)
        state.create()
        note("Checking rows")
        migrate(state)
        _unpack_frames(bundle, state, write_rows(bundle, state.database), note)
        return bundle.manifest


def _unpack_frames(
    bundle: BundleReader,
    state: StateFolder,
    frames: Mapping[str, tuple[int | None, tuple[str, ...] | None]],
    note: Note,
) -> None:
    expected = {f"{FRAMES}{digest}.{'json' if rows is None else 'arrow'}" for digest, (rows, _) in frames.items()}
    if differing := expected ^ set(bundle.names(FRAMES)):
        raise BundleRefused(f'its rows and its member "{min(differing)}" do not belong together')
    for number, (digest, (rows, columns)) in enumerate(frames.items(), 1):
        note(f"Checking captured results, {number:,} of {len(frames):,}")
        name = f"{FRAMES}{digest}.{'json' if rows is None else 'arrow'}"
        if bundle.manifest.members[name].digest != digest:
            raise BundleRefused(f'its member "{name}" does not have the hash that names it')
        file = state.frames / Path(name).name
        bundle.save(name, file)
        try:
            check_value(file) if rows is None or columns is None else check_frame(file, rows, columns)
        except ForeignFrameRefused as error:
            raise BundleRefused(f'its member "{name}" cannot be shown: {error}') from error
