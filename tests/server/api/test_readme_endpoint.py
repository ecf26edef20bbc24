"""The project's README.md, and no other file."""

import os
from pathlib import Path

import pytest

from tests.doors import OpenDoor

MISSING = {
    "error": "README not found",
    "details": "the project has neither README.md nor docs/README.md; a link is no such file",
}


def test_readme(hello: Path, opened: OpenDoor) -> None:
    """The README is sent as Markdown, with its current content."""
    door = opened(hello)
    (hello / "README.md").write_text("# Grüße\n\n<script>alert(1)</script>\n", encoding="utf-8")
    answer = door.get("/api/docs/readme")
    assert (answer.status_code, answer.text) == (200, "# Grüße\n\n<script>alert(1)</script>\n")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_readme_of_the_docs(hello: Path, opened: OpenDoor) -> None:
    """Without a README of its own the project's is that of its docs, as long as neither is a link."""
    (hello / "README.md").unlink()
    (hello / "docs").mkdir()
    (hello / "docs" / "README.md").write_text("# Docs\n", encoding="utf-8")
    door = opened(hello)
    assert door.get("/api/docs/readme").text == "# Docs\n"
    (hello / "docs").rename(hello / "elsewhere")
    (hello / "docs").symlink_to(hello / "elsewhere")
    assert door.get("/api/docs/readme").json() == MISSING


@pytest.mark.parametrize("put", ["nothing", "link", "folder", "pipe"])
def test_no_readme(hello: Path, opened: OpenDoor, put: str) -> None:
    """Without a README, 404 says so; a link to another file, a folder or a pipe does not count as one."""
    readme = hello / "README.md"
    readme.unlink()
    if put == "link":
        readme.symlink_to(hello / "config.yaml")
    elif put == "folder":
        readme.mkdir()
    elif put == "pipe":
        os.mkfifo(readme)
    answer = opened(hello).get("/api/docs/readme")
    assert answer.json() == MISSING
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path", ["/api/docs/config.yaml", "/api/docs/readme/..%2Fconfig.yaml", "/api/docs/..%2Fconfig.yaml"]
)
def test_no_other_file(hello: Path, opened: OpenDoor, path: str) -> None:
    """No path under it leads to another file."""
    assert opened(hello).get(path).status_code == 404
