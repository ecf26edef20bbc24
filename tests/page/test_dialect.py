"""dagscope's own page on a server that answers in Teal's shapes (docs/teal.md)."""

from pathlib import Path

from playwright.sync_api import expect

from tests.doors import Serve
from tests.page.conftest import Visit
from tests.projects import block, model, write_files

FAILING = block("tests: [{name: test_world_count}]") + 'SELECT -1 AS count FROM {{ Ref("staging.hello") }}'


def test_the_page_reads_its_own_shapes(hello: Path, serve: Serve, visit: Visit) -> None:
    """The page shows the states that it knows, whatever shapes others are answered in."""
    server = serve(write_files(hello, {model("dds.world"): FAILING}), "--dialect", "teal-v1")
    server.run("monday")
    page = visit(server).open()
    for name, state in (("staging.hello", "Done"), ("dds.world", "Failed")):
        expect(page.locator(f'[data-node="{name}"]')).to_contain_text(state)
