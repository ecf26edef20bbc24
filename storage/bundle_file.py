"""The file of a bundle (docs/bundles.md): a ZIP file of known members, and a manifest with the hash of each.

A bundle is a stranger's file. It is refused before anything of it is used if it is not exactly what `BundleWriter`
writes: other members, links, more than the limits, or other bytes than the manifest says.
"""

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

import msgspec

from dagscope.dag.ground.errors import DagscopeError

FORMAT, VERSION = "dagscope-bundle", 1
MANIFEST = "manifest.json"
STATE, FRAMES, PROJECT = "state/", "frames/", "project/"

MOST_BYTES = 2_000_000_000  # of all members together, unpacked; so no part of the file needs ZIP64
MOST_MEMBERS = 20_000
_MOST_MANIFEST_BYTES = 8_000_000
_FREELY_UNPACKED_BYTES = 100_000_000
_MOST_RATIO = 200  # of what has more bytes unpacked than that

_CHUNK_BYTES = 1 << 20
_DIGEST_BYTES = 20
_DIRECTORY_END, _ZIP64_LOCATOR, _DIRECTORY_END_BYTES, _LOCATOR_BYTES = b"PK\5\6", b"PK\6\7", 22, 20
_ENTRY_BYTES = 1_100  # of the directory; a name has at most 1,000

_NAMES = re.compile(
    rf"{STATE}[a-z_]+\.jsonl|{FRAMES}[0-9a-f]{{40}}\.(arrow|json)"
    rf"|{PROJECT}(config\.yaml|profile\.yaml|(docs/)?README\.md|assets/(models|tests|lib)/[^/].*)"
)
_CODE = (".sql", ".py")
_ANOTHER = "ask for a new bundle"
_UNTRUSTED = "dagscope writes no such bundle, so do not trust where it comes from"


class BundleRefused(DagscopeError):
    """A bundle that cannot be opened: what is wrong with it and where, and what to do."""

    def __init__(self, reason: str, remedy: str = _UNTRUSTED) -> None:
        super().__init__(f"{reason}; {remedy}")


class BundleTooLarge(DagscopeError):
    """What was asked for does not fit into a bundle."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the bundle would have {what}; name fewer tasks, or leave the rows out")


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file in the bundle: its size unpacked, and the BLAKE2b hash of its bytes, as frames are named by theirs."""

    bytes: int
    digest: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the bundle says of itself. `tables` are the columns of each table's rows, in their order."""

    format: str
    version: int
    dagscope: str
    project: str
    created: str
    tasks: tuple[str, ...]
    other_tasks: int
    has_rows: bool
    tables: dict[str, tuple[str, ...]]
    members: dict[str, Member] = {}


class _Head(msgspec.Struct):
    """What the manifest of every version has."""

    format: str
    version: int
    dagscope: str


class Written(Protocol):
    """A file that bytes can be appended to, such as the body of an answer."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class _Counted:
    """Counts what is written to a file, which need not know its position."""

    def __init__(self, file: Written) -> None:
        self._file, self.bytes = file, 0

    def write(self, data: bytes) -> int:
        self.bytes += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


class BundleWriter:
    """Writes a bundle to a file, member by member; `finish` it with its manifest."""

    def __init__(self, file: Written) -> None:
        self._file = _Counted(file)
        self._zip = zipfile.ZipFile(cast(IO[bytes], self._file), "w", zipfile.ZIP_DEFLATED)
        self._members: dict[str, Member] = {}
        self._bytes = 0

    @contextmanager
    def member(self, name: str) -> Iterator["HashedMember"]:
        """A new member, to be written in the block. Raises `BundleTooLarge`."""
        if len(self._members) >= MOST_MEMBERS:
            raise BundleTooLarge(f"more than {MOST_MEMBERS:,} files")
        with self._zip.open(_described(name), "w") as file:
            hashed = HashedMember(file, MOST_BYTES - self._bytes)
            yield hashed
        self._members[name] = Member(hashed.bytes, hashed.digest)
        self._bytes += hashed.bytes

    def write(self, name: str, content: bytes) -> None:
        """A new member with this content. Raises `BundleTooLarge`."""
        with self.member(name) as member:
            member.write(content)

    def finish(self, manifest: Manifest) -> None:
        """Complete the bundle. Raises `BundleTooLarge`."""
        manifest = msgspec.structs.replace(manifest, members=self._members)
        with self._zip.open(_described(MANIFEST), "w") as file:
            file.write(msgspec.json.encode(manifest))
        self._zip.close()
        if self._bytes > _FREELY_UNPACKED_BYTES and self._bytes > _MOST_RATIO * self._file.bytes:
            raise BundleTooLarge(f"{self._bytes:,} bytes, {_MOST_RATIO} times as many as it takes packed")


def _described(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)  # of 1980: equal contents give equal bytes
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    return info


class HashedMember:
    """A member that is being written."""

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._file, self._most_bytes, self._hash = file, most_bytes, new_hash()
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        if self.bytes > self._most_bytes:
            raise BundleTooLarge(f"more than {MOST_BYTES:,} bytes")
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        return str(self._hash.hexdigest())


class BundleReader:
    """A bundle whose members are known and within the limits. What is read of them is checked while it is read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._zip, self.manifest = archive, manifest

    def names(self, start: str) -> tuple[str, ...]:
        """The names of the members below a folder of the bundle."""
        return tuple(name for name in self.manifest.members if name.startswith(start))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a member. Raises `BundleRefused` at its end if it is not what the manifest says."""
        member, hashed = self.manifest.members[name], new_hash()
        try:
            with self._zip.open(name) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    hashed.update(chunk)
                    yield chunk
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error) as error:
            raise BundleRefused(f'its member "{name}" is damaged: {error}', _ANOTHER) from error
        if hashed.hexdigest() != member.digest:
            raise BundleRefused(f'its member "{name}" is damaged: its bytes have changed', _ANOTHER)

    def save(self, name: str, file: Path) -> None:
        """Write a member to a new file. Raises `BundleRefused`."""
        with file.open("xb") as saved:
            for chunk in self.chunks(name):
                saved.write(chunk)


@contextmanager
def opened(path: Path) -> Iterator[BundleReader]:
    """The bundle in a file. Raises `BundleRefused`, or `OSError` if the file cannot be read."""
    with path.open("rb") as file:
        _refuse_other_files(file)
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BundleRefused(f"it is damaged: {error}", _ANOTHER) from error
        with archive:
            infos = _checked_infos(archive, file)
            manifest = _manifest(archive, infos)
            _refuse_other_members(manifest, infos)
            yield BundleReader(archive, manifest)


def new_hash() -> Any:
    """The hash that names frames, and that the manifest has of every member."""
    return hashlib.blake2b(digest_size=_DIGEST_BYTES)


def _refuse_other_files(file: IO[bytes]) -> None:
    """Look at the end of the file first: reading the directory of a ZIP file takes as much memory as it says."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _DIRECTORY_END_BYTES - _LOCATOR_BYTES))
    end = file.read()
    directory_end = end[-_DIRECTORY_END_BYTES:]
    if not directory_end.startswith(_DIRECTORY_END):
        raise BundleRefused("it is not a bundle, or not all of it", "give a file that `dagscope bundle` has written")
    if end.startswith(_ZIP64_LOCATOR) or size > MOST_BYTES:
        raise BundleRefused(f"it is larger than {MOST_BYTES:,} bytes")
    entries = int.from_bytes(directory_end[10:12], "little")
    directory_bytes = int.from_bytes(directory_end[12:16], "little")
    if entries > MOST_MEMBERS + 1 or directory_bytes > _ENTRY_BYTES * (MOST_MEMBERS + 1):
        raise BundleRefused(f"it has more than {MOST_MEMBERS:,} members")
    file.seek(0)


def _checked_infos(archive: zipfile.ZipFile, file: IO[bytes]) -> Mapping[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        _check(info)
        if infos.setdefault(info.filename, info) is not info:
            raise BundleRefused(f'it has two members "{info.filename}"')
    size, unpacked = file.seek(0, 2), sum(info.file_size for info in infos.values())
    if unpacked > MOST_BYTES + _MOST_MANIFEST_BYTES:
        raise BundleRefused(f"its members have {unpacked:,} bytes unpacked, and may have {MOST_BYTES:,}")
    if unpacked > _FREELY_UNPACKED_BYTES and unpacked > _MOST_RATIO * size:
        raise BundleRefused(f"its members have {unpacked:,} bytes unpacked, more than {_MOST_RATIO} times its own")
    return infos


def _check(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    if name != MANIFEST and not is_member(name):
        raise BundleRefused(f'it has a member "{name}", and no bundle has one of that name')
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise BundleRefused(f'its member "{name}" is a link or a device, not a file')
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BundleRefused(f'its member "{name}" is encrypted or packed in another way than deflated')


def is_member(name: str) -> bool:
    """Whether a bundle may have a member of this name. None leads out of the folder that it is unpacked in."""
    if not _NAMES.fullmatch(name) or "\\" in name or not name.isprintable() or len(name.encode()) > 1_000:
        return False
    parts = name.split("/")
    if any(not part or part.startswith(".") or len(part.encode()) > 255 for part in parts):
        return False
    return not name.startswith(f"{PROJECT}assets/") or name.lower().endswith(_CODE)


def _manifest(archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo]) -> Manifest:
    info = infos.get(MANIFEST)
    if info is None or info.file_size > _MOST_MANIFEST_BYTES:
        problem = "has no" if info is None else f"has more than {_MOST_MANIFEST_BYTES:,} bytes in its"
        raise BundleRefused(f"it {problem} {MANIFEST}", "give a file that `dagscope bundle` has written")
    try:
        text = archive.read(info)
        head = msgspec.json.decode(text, type=_Head)
        if head.format == FORMAT and head.version > VERSION:
            reason = f"dagscope {head.dagscope} wrote it in version {head.version} of the format"
            raise BundleRefused(reason, f"this dagscope reads version {VERSION}: update it")
        if (head.format, head.version) != (FORMAT, VERSION):
            raise BundleRefused(f'its {MANIFEST} names the format "{head.format}", version {head.version}')
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleRefused(f"its {MANIFEST} is invalid: {error}") from error
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise BundleRefused(f"its {MANIFEST} is damaged: {error}", _ANOTHER) from error


def _refuse_other_members(manifest: Manifest, infos: Mapping[str, zipfile.ZipInfo]) -> None:
    for name in infos.keys() - manifest.members.keys() - {MANIFEST}:
        raise BundleRefused(f'it has a member "{name}", which its {MANIFEST} does not name')
    for name, member in manifest.members.items():
        if name not in infos or name == MANIFEST:
            raise BundleRefused(f'it lacks the member "{name}", which its {MANIFEST} names', _ANOTHER)
        if infos[name].file_size != member.bytes:
            raise BundleRefused(f'its member "{name}" has other bytes than its {MANIFEST} says', _ANOTHER)
