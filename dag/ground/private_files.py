"""Files and folders that only this user can read, whatever the umask."""

import os
import stat
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def make_private_folder(folder: Path) -> None:
    """Create the folder if it is missing, and close it to other users."""
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    close_folder(folder)


def close_folder(folder: Path) -> None:
    """Close a folder to other users, and its files, which only have to be looked at if it was open."""
    was_open = bool(folder.stat().st_mode & 0o077)
    _close(folder, FOLDER_MODE)
    if was_open:
        close_files(*folder.iterdir())


def close_files(*files: Path) -> None:
    """Close these files to other users; folders, links and files that are missing stay as they are."""
    for file in files:
        try:
            if stat.S_ISREG(file.lstat().st_mode):
                _close(file, FILE_MODE)
        except FileNotFoundError:
            continue


def create_private_file(file: Path) -> None:
    """Create an empty file, which must not exist."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        os.fchmod(descriptor, FILE_MODE)  # the umask may have taken more away
    finally:
        os.close(descriptor)


def _close(path: Path, mode: int) -> None:
    if stat.S_IMODE(path.stat().st_mode) != mode:  # only the owner may set a mode, also the same one
        path.chmod(mode)
