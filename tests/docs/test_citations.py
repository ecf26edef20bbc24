"""What the source cites exists: the contract, the specifications, and the pages of `docs/`."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("dag", "storage", "server", "cli", "alembic", "benchmarks", "tests", "docs")
CITED = {
    "contract": [ROOT / "docs" / "contract.md"],
    "spec": [ROOT / "docs" / "spec" / "teal-debug-ui-api.md", ROOT / "docs" / "spec" / "dagster-plus-run-api.md"],
}
"""The pages that a citation names by one word. A specification's heading can be in either of its pages."""


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """The docstrings and comments of a module, each as one line of text with the number of its first line."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, " ".join(node.value.value.split())
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def headings(page: Path) -> list[str]:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [title.replace("`", "") for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]


def is_heading(cited: str, page: Path) -> bool:
    """Whether a heading of the page is, or starts with, the cited text."""
    return any(re.match(rf"{re.escape(cited)}(?!\w)", title) for title in headings(page))


def anchors(page: Path) -> set[str]:
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings(page)}


def unresolved(text: str) -> Iterator[str]:
    """The pages of `docs/`, anchors and headings that a text cites but do not exist. Headings start with a capital."""
    for path, anchor in re.findall(r"(?<![\w/])docs/([\w./-]*\w)(?:#([\w-]+))?", text):
        page = ROOT / "docs" / path
        if not page.exists():
            yield f"docs/{path}: no such page"
        elif anchor and anchor not in anchors(page):
            yield f"docs/{path}#{anchor}: no such anchor"
    for part in (part.strip() for group in re.findall(r"\(([^()]*)\)", text) for part in group.split(";")):
        cited = re.fullmatch(r"(contract|spec|docs/[\w./-]+\.md), ([A-Z].*)", part)
        if cited:
            pages = CITED.get(cited[1]) or [page for page in [ROOT / cited[1]] if page.is_file()]
            if pages and not any(is_heading(cited[2].replace("`", ""), page) for page in pages):
                yield f"({part}): no such heading"


def test_every_citation_leads_somewhere() -> None:
    """Each page, heading and anchor that a docstring or comment cites exists."""
    files = [module for room in ROOMS for module in (ROOT / room).rglob("*.py")]
    modules = sorted(
        module for module in files if "assets" not in module.relative_to(ROOT).parts
    )  # raw assets of projects in tests
    assert len(modules) > 100
    wrong = [
        f"{module.relative_to(ROOT)}:{line}: {problem}"
        for module in modules
        for line, text in prose(module)
        for problem in unresolved(text)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_is_not_there_is_found() -> None:
    """A citation of a missing page, heading or anchor is reported, and a correct one is not."""
    assert not list(unresolved("(contract, Data; spec, Test Operations), (docs/connections.md, Types), docs/cli.md#dg"))
    assert list(unresolved("(contract, Dates)")) == ["(contract, Dates): no such heading"]
    assert list(unresolved("see docs/design.md")) == ["docs/design.md: no such page"]
    assert list(unresolved("see docs/cli.md#dgs.")) == ["docs/cli.md#dgs: no such anchor"]
