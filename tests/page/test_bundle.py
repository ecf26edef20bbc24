"""A bundle in the page: how it is downloaded, and what is shown of one."""

from pathlib import Path

from playwright.sync_api import expect

from tests.bundles import OpenBundle, bundle_of, members_of, saved
from tests.doors import AppDoor, ServerDoor
from tests.page.conftest import Visit
from tests.page.hostile import FOUND, STRINGS, hostile_project
from tests.page.test_hostile import VIEWS

MARKUP = "<img src=x onerror=window.hostile=1>"


def test_handed_over(served_shop: ServerDoor, open_bundle: OpenBundle, visit: Visit, tmp_path: Path) -> None:
    """The bundle of a task, downloaded in its view, shows the same task, and offers to run nothing."""
    page = visit(served_shop).open("/tasks/monday")
    with page.expect_download() as download:
        page.get_by_role("link", name="Bundle").click()
    assert download.value.suggested_filename == "monday.dagscope"
    download.value.save_as(tmp_path / "monday.dagscope")
    opened = open_bundle(tmp_path / "monday.dagscope")
    shown = visit(opened).open("/tasks/monday")
    expect(shown.get_by_role("banner").get_by_text("Bundle")).to_be_visible()
    expect(shown.get_by_role("region", name="First failure")).to_have_text(
        page.get_by_role("region", name="First failure").inner_text(), use_inner_text=True
    )
    expect(shown.get_by_role("button", name="Retry 4 r")).to_be_disabled()


def test_text_stays_text(open_bundle: OpenBundle, visit: Visit, tmp_path: Path) -> None:
    """Of 200 strings in all texts of a bundle, also in the names of its task and of an asset, none becomes HTML."""
    (tmp_path / "project").mkdir()
    door = AppDoor(hostile_project(tmp_path / "project"))
    door.run("monday", data={text: text for text in STRINGS})
    members = members_of(door.get("/api/bundle").content)
    door.stop()
    for name in members:
        if name.startswith("state/"):
            members[name] = (
                members[name].replace(b"monday", MARKUP.encode()).replace(b"a.wrong", f"a.{MARKUP}".encode())
            )
    opened = open_bundle(saved(tmp_path, bundle_of(members, tasks=[MARKUP], project=MARKUP)))
    visitor = visit(opened)
    visitor.expect_faults("status of 404")
    found = {view: visitor.open_fully(path.replace("monday", MARKUP)).evaluate(FOUND) for view, path in VIEWS.items()}
    assert found == {view: [] for view in VIEWS}
