"""The example projects that come with dagscope."""

import shutil
from pathlib import Path

_LEFT_OUT = shutil.ignore_patterns(".dagscope", "store", "__pycache__")


def copy_example(name: str, folder: Path) -> int:
    """Copy an example into a folder that is empty or does not exist. Returns the number of files.

    Raises `FileExistsError` if the folder is not empty.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"{folder.resolve()} is not empty; name a new folder: dagscope init DIR")
    shutil.copytree(_examples() / name, folder, ignore=_LEFT_OUT, dirs_exist_ok=True)
    return sum(file.is_file() for file in folder.rglob("*"))


def _examples() -> Path:
    """Inside this package if it is installed, beside it in a checkout."""
    packaged = Path(__file__).parent / "examples"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "examples"
