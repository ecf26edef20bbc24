"""The docs site: `make docs`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it. A broken link, or a page that is in no menu, fails."""
    folder = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert built.returncode == 0, built.stderr
    return folder


def test_readme_is_the_home_page(site: Path) -> None:
    """The README is the home page, with its picture, and its links lead to pages of the site."""
    home = (site / "index.html").read_text(encoding="utf-8")
    assert (site / "demo.svg").is_file()
    assert 'src="demo.svg"' in home
    assert 'href="project-format.html#storage-versions"' in home
    assert 'href="examples/crossdb.html"' in home


def test_a_link_out_of_docs_leads_to_the_page_of_the_site(site: Path) -> None:
    """A link from docs/ to CONTRIBUTING.md, and one from an example into docs/, work in the site too."""
    assert 'href="contributing.html#adding-an-engine"' in (site / "architecture.html").read_text(encoding="utf-8")
    assert 'href="../connections.html#types"' in (site / "examples" / "crossdb.html").read_text(encoding="utf-8")


def test_a_list_is_a_list(site: Path) -> None:
    """A list directly after a line of text, and a nested list, are lists on the site as on GitHub."""
    text = (site / "spec" / "teal-debug-ui-api.html").read_text(encoding="utf-8")
    assert "<li><code>projectName</code> (string): Name of the Teal project</li>" in text
    assert "Array of DAG node objects<ul>" in text


def test_no_page_asks_another_host(site: Path) -> None:
    """The pages of the site load scripts, styles, fonts and pictures only from the site."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 15
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=[\"']?([^\"' >]+)", text)
        assert not [address for address in loaded if re.match(r"[a-z]+:|//", address)], page
        assert 'class="mermaid"' not in text, "the theme would load mermaid from another host"
        assert 'data-md-component="source"' not in text, "the theme would ask another host for the repository's numbers"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//|@import", style.read_text(encoding="utf-8")), style
