"""The files of a project: found through links, read within limits. What cannot be read is a problem with its path."""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dagscope.dag.ground.problems import Problem
from dagscope.dag.project.loading_limits import LoadingLimits, TotalSize

SQL, PYTHON = ".sql", ".py"

_CHUNK_BYTES = 65_536
_DEPTH_OF_STAGES = 2  # slashes in assets/models/<stage>
_MOST_INSIDE_STAGES = 100
_DEEPEST = 8  # nested folders; a link to / would otherwise lead through the whole disk
_Identity = tuple[int, int]  # of a folder, the same for every path to it

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


def is_python(path: str) -> bool:
    return path.lower().endswith(PYTHON)


def shown_path(path: str) -> str:
    r"""The path as text that can be printed and sent: bytes that are not UTF-8 are written as `\xff`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


class ProjectFiles:
    """Finds and reads the files below one folder; adds what is wrong to `problems`.

    Paths are relative to the folder, with slashes. `check` is called for every folder; it may raise to end a search.
    """

    def __init__(self, folder: Path, limits: LoadingLimits, problems: list[Problem], check: Callable[[], None]) -> None:
        self._folder, self._limits, self._problems, self._check = folder, limits, problems, check
        self._folders_inside_stages, self._total = 0, TotalSize(limits)
        self.texts: dict[str, str] = {}
        """What was read, by path."""

    def refuse(self, path: str, message: str) -> None:
        self._problems.append(Problem(shown_path(path), 0, message))

    def is_folder(self, path: str) -> bool:
        """Whether the folder exists and is accessible."""
        return os.path.isdir(self._folder / path)  # noqa: PTH112  never raises, where `Path.is_dir` may

    def find(self, top: str, suffixes: tuple[str, ...]) -> list[str]:
        """The sorted paths of all files below `top` with one of the suffixes, in any case.

        Links are followed. Hidden files and folders, and editors' backups, are left out: they are not models.
        """
        try:
            inside = frozenset({_identity((self._folder / top).stat())})
        except FileNotFoundError:
            return []
        except OSError as error:
            self.refuse(top, f"cannot be read: {error.strerror}")
            return []
        return sorted(self._below(top, suffixes, inside))

    def _below(self, top: str, suffixes: tuple[str, ...], inside: frozenset[_Identity]) -> Iterator[str]:
        self._check()
        try:
            with os.scandir(self._folder / top) as entries:
                found = [entry for entry in entries if not is_ignored(entry.name)]
        except OSError as error:
            if error.errno != errno.ENOTDIR:
                self.refuse(top, f"cannot be read: {error.strerror}")
            return
        for entry in sorted(found, key=lambda entry: entry.name):
            path = f"{top}/{entry.name}"
            wanted = entry.name.lower().endswith(suffixes)
            if entry.is_file(follow_symlinks=False):
                if wanted:
                    yield path
            else:
                yield from self._special(path, wanted, suffixes, inside)

    def _special(
        self, path: str, wanted: bool, suffixes: tuple[str, ...], inside: frozenset[_Identity]
    ) -> Iterator[str]:
        """The files at an entry that is not a plain file: a folder, a link, or something that cannot be read."""
        try:
            status = (self._folder / path).stat()
        except OSError as error:
            self.refuse(path, _unreachable(self._folder / path, error))
            return
        if stat.S_ISREG(status.st_mode):
            if wanted:
                yield path
        elif stat.S_ISDIR(status.st_mode):
            yield from self._folder_below(path, wanted, suffixes, inside, _identity(status))
        elif wanted:
            self.refuse(path, _not_a_file(status))

    def _folder_below(
        self,
        path: str,
        wanted: bool,
        suffixes: tuple[str, ...],
        inside: frozenset[_Identity],
        identity: _Identity,
    ) -> Iterator[str]:
        if identity in inside:
            self.refuse(path, "a link to a folder that contains it; remove the link")
        elif wanted:
            self.refuse(path, "a folder, not a file; rename it")
        elif path.count("/") > _DEEPEST:
            self.refuse(path, f"more than {_DEEPEST} nested folders; deeper ones are not read")
        elif self._may_enter(path):
            yield from self._below(path, suffixes, inside | {identity})

    def _may_enter(self, path: str) -> bool:
        """Whether to read the folder. Folders too deep for models are read to report their files, but not too many."""
        if path.count("/") <= _DEPTH_OF_STAGES:
            return True
        self._folders_inside_stages += 1
        if self._folders_inside_stages == _MOST_INSIDE_STAGES + 1:
            message = f"more than {_MOST_INSIDE_STAGES:,} folders inside those of stages and in assets/lib/"
            self.refuse(path, f"{message}; the rest are not read")
        return self._folders_inside_stages <= _MOST_INSIDE_STAGES

    def read(self, path: str, if_missing: str = "file not found") -> str | None:
        """The file's text; None, and a problem, if it is not UTF-8 text, not a file, or too large.

        Raises `LoadingTooLarge` if the files that were read are too large together.
        """
        try:
            content = self._content(path)
        except FileNotFoundError:
            self.refuse(path, if_missing)
        except OSError as error:
            self.refuse(path, f"cannot be read: {error.strerror}")
        else:
            text = self._decoded(path, content) if content is not None else None
            if text is not None:
                self.texts[path] = text
            return text
        return None

    def _content(self, path: str) -> bytes | None:
        file = f"{self._folder}/{path}"
        status = os.stat(file)  # noqa: PTH116  fast. Checked first, because opening a pipe or a device may block
        if not stat.S_ISREG(status.st_mode):
            self.refuse(path, _not_a_file(status))
            return None
        limit = self._limits.bytes_of(path)
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            content = _read_up_to(descriptor, limit + 1, status.st_size + 1)
        finally:
            os.close(descriptor)
        if len(content) > limit:
            message = f"larger than {limit:,} bytes; make it shorter, or raise DAGSCOPE_LOAD_FILE_LIMIT_BYTES"
            self.refuse(path, message)
            return None
        self._total.add(len(content))
        return content

    def _decoded(self, path: str, content: bytes) -> str | None:
        try:
            text = content.decode("utf-8-sig")  # some editors write a byte order mark
        except UnicodeDecodeError as error:
            self.refuse(path, f"not UTF-8 text: byte {error.start} cannot be read; save it as UTF-8")
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class GivenFiles(ProjectFiles):
    """The files of a project that was loaded before, as they were then, whatever is in the folder now."""

    def __init__(
        self,
        folder: Path,
        limits: LoadingLimits,
        problems: list[Problem],
        check: Callable[[], None],
        texts: Mapping[str, str],
    ) -> None:
        super().__init__(folder, limits, problems, check)
        self.texts = dict(texts)

    def is_folder(self, path: str) -> bool:
        return any(file.startswith(f"{path}/") for file in self.texts)

    def find(self, top: str, suffixes: tuple[str, ...]) -> list[str]:
        found = (path for path in self.texts if path.startswith(f"{top}/") and path.lower().endswith(suffixes))
        return sorted(found)

    def read(self, path: str, if_missing: str = "file not found") -> str | None:  # noqa: ARG002  as of files on disk
        return self.texts[path]


def _read_up_to(descriptor: int, most: int, expected: int) -> bytes:
    """All bytes, at most `most`; normally there are fewer than `expected`."""
    content = os.read(descriptor, min(most, expected))
    if len(content) < expected:
        return content
    parts = [content]
    while (left := most - sum(map(len, parts))) and (part := os.read(descriptor, min(left, _CHUNK_BYTES))):
        parts.append(part)
    return b"".join(parts)


def is_ignored(name: str) -> bool:
    """Whether a file or folder with this name is never a model: hidden, or left by an editor."""
    return name.startswith((".", "#")) or name.endswith("~") or name == "__pycache__"


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _not_a_file(status: os.stat_result) -> str:
    kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "something else")
    return f"{kind}, not a file; replace it with a file"


def _unreachable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return "a broken link; remove it, or restore its target"
    if error.errno == errno.ELOOP:
        return "a link that points to itself; remove it"
    return f"cannot be read: {error.strerror}"
