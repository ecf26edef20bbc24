"""A package of somebody else's: a module with its metadata, as pip would leave them in a folder."""

from pathlib import Path
from textwrap import dedent


def install(folder: Path, package: str, code: str, entry_points: str) -> None:
    """Put a distribution into a folder that is, or will be, on Python's path; its one module is named after it."""
    (folder / f"{package.replace('-', '_')}.py").write_text(dedent(code), encoding="utf-8")
    metadata = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(dedent(entry_points), encoding="utf-8")
