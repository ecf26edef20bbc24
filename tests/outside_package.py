"""A third-party package: a module with its metadata, as pip would install it into a folder."""

from pathlib import Path
from textwrap import dedent


def install(folder: Path, package: str, code: str, entry_points: str) -> None:
    """Install a distribution into a folder that is, or will be, on Python's path. Its only module has its name."""
    (folder / f"{package.replace('-', '_')}.py").write_text(dedent(code), encoding="utf-8")
    metadata = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(dedent(entry_points), encoding="utf-8")
