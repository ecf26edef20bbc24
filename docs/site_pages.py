"""The pages of the docs site that are kept outside `docs/`: MkDocs runs this module as a hook (mkdocs.yml).

The README is the site's home page. The same text serves GitHub and the site: in the repository, a link is relative to
the file that contains it, and lists and anchors follow GitHub's rules; this module translates them for MkDocs.
"""

import re
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent

OUTSIDE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "reporting-a-vulnerability.md",
    "LICENSE": "LICENSE",
    "examples/hello/README.md": "examples/hello.md",
    "examples/nycflights/README.md": "examples/nycflights.md",
    "examples/nycflights/data/README.md": "examples/nycflights-data.md",
    "examples/crossdb/README.md": "examples/crossdb.md",
    "examples/lake/README.md": "examples/lake.md",
}
"""Each file of the repository that becomes a page, and the page's place in the site."""

_SOURCES = {place: source for source, place in OUTSIDE.items()}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Anchors of headings are GitHub's, so that a link to a heading works in both places."""
    config.mdx_configs["toc"]["slugify"] = github_anchor
    return config


def github_anchor(title: str, _separator: str = "-") -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files outside `docs/`."""
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """A page's text with its lists spaced, and its relative links to files of the repository leading to their pages."""
    place = page.file.src_uri
    folder = dirname(_SOURCES.get(place, join("docs", place)))

    def site_link(link: re.Match[str]) -> str:
        target = normpath(join(folder, link[1]))
        found = OUTSIDE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return f"]({relpath(found, dirname(place) or '.')}{link[2] or ''})" if found else link[0]

    return re.sub(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)", site_link, spaced_lists(markdown))


def spaced_lists(markdown: str) -> str:
    """The text with an empty line before each list, and nested items indented by 4, as Python-Markdown needs them."""
    lines: list[str] = []
    is_code = is_list = False
    for line in markdown.splitlines():
        is_code ^= line.lstrip().startswith("```")
        item = None if is_code else re.match(r"( *)(?:[-*]|\d+\.) ", line)
        if item and not is_list and lines and lines[-1]:
            lines.append("")
        is_list = bool(item or (is_list and line and not is_code))
        lines.append(item[1] + line if item else line)
    return "\n".join(lines)
