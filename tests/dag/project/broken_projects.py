"""The projects under broken/: one fault each, with the expected report in expected.txt."""

from pathlib import Path

BROKEN = Path(__file__).parent / "broken"

NAMES = sorted(file.parent.name for file in BROKEN.glob("*/expected.txt"))


def expected(name: str) -> str:
    """The expected report on the project, without the final line break."""
    return (BROKEN / name / "expected.txt").read_text(encoding="utf-8").removesuffix("\n")


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and folder below a folder, with its modification time and its bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }
