"""What stands above every view: files that cannot be loaded, a read-only server, a state that cannot be written."""

import signal
from pathlib import Path

from playwright.sync_api import expect

from tests.doors import Serve, free_port
from tests.page.conftest import Visit
from tests.projects import model


def test_a_broken_project_fixed_while_the_page_is_open(hello: Path, serve: Serve, visit: Visit) -> None:
    """Problems appear with file, line and what would be right as soon as a file is saved, and go once it is fixed."""
    page = visit(serve(hello, "--reload")).open()
    run = page.get_by_role("button", name="Run…", exact=True)
    expect(run).not_to_have_attribute("aria-disabled", "true")
    world = hello / model("dds.world")
    good = world.read_text()
    world.write_text("SELECT * FROM {{ Ref('staging.helo') }}")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("The project cannot be loaded: 1 problem")
    expect(notice.get_by_role("listitem")).to_have_text(
        'assets/models/dds/world.sql:1unknown asset "staging.helo"; did you mean "staging.hello"?'
    )
    expect(notice).to_contain_text("A run would use that one.")
    expect(page).to_have_title("Cannot be loaded · hello-world")
    world.write_text(good)
    expect(notice).not_to_be_visible()


def test_a_project_that_was_never_loaded(hello: Path, serve: Serve, visit: Visit) -> None:
    """The page says that nothing can be run, and shows the assets as soon as the files can be loaded."""
    world = hello / model("dds.world")
    good = world.read_text()
    world.write_text("SELECT * FROM {{ Ref('staging.helo') }}")
    page = visit(serve(hello, "--reload")).open("/?view=list")
    expect(page.get_by_role("alert")).to_contain_text("there are no assets, and nothing can be run.")
    run = page.get_by_role("button", name="Run…", exact=True)
    expect(run).to_have_attribute("title", "The project cannot be loaded.")
    world.write_text(good)
    expect(page.get_by_role("alert")).not_to_be_visible()
    expect(run).not_to_have_attribute("aria-disabled", "true")


def test_a_read_only_server(hello: Path, serve: Serve, visit: Visit) -> None:
    """The bar says that the server is read-only, and what would run something is dashed and says why."""
    page = visit(serve(hello, "--read-only")).open()
    expect(page.get_by_role("banner").get_by_text("Read-only")).to_be_visible()
    run = page.get_by_role("button", name="Run…", exact=True)
    expect(run).to_have_attribute("aria-disabled", "true")
    expect(run).to_have_attribute("title", "This server is read-only.")
    run.click(force=True)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_state_that_cannot_be_written(hello: Path, serve: Serve, visit: Visit) -> None:
    """As soon as the state cannot be written, the page says so and what to do."""
    door = serve(hello)
    visitor = visit(door)
    visitor.expect_faults("status of 500")
    page = visitor.open()
    expect(page.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    (hello / ".dagscope" / "state.sqlite").rename(hello / "elsewhere")
    door.run("t")
    expect(page.get_by_role("alert").filter(has_text="The state cannot be written")).to_contain_text(
        "start the server again"
    )


def test_offline(hello: Path, serve: Serve, visit: Visit) -> None:
    """Without the server the page says since when, and when it tries again; a press tries at once."""
    server = serve(hello, "--port", str(free_port()))
    visitor = visit(server)
    visitor.expect_faults("Failed to load resource: net::ERR_")
    page = visitor.open()
    expect(page.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    server.stop(signal.SIGKILL)
    notice = page.get_by_role("region", name="Offline")
    expect(notice).to_contain_text("next try in")
    expect(notice).to_contain_text("What you see is")
    expect(page.get_by_role("button", name="Run…", exact=True)).to_have_attribute("aria-disabled", "true")
    server.start()
    notice.get_by_role("button", name="Try now").click()
    expect(notice).not_to_be_visible()


def test_a_toast(hello: Path, serve: Serve, visit: Visit) -> None:
    """A task that ends while another one is in view is announced, with a link to it."""
    (hello / model("dds.world")).write_text("SELECT error('no') AS n FROM {{ Ref('staging.hello') }}")
    door = serve(hello)
    door.run("first")
    page = visit(door).open("/?task=first")
    expect(page.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    expect(page.get_by_role("region", name="Task", exact=True)).to_contain_text("first")
    door.run("second")
    toast = page.get_by_role("status").filter(has_text="ended")
    expect(toast).to_contain_text("Failedsecond ended")
    toast.get_by_role("link", name="Open").click()
    expect(page).to_have_url(f"{door.address}/tasks/second")
    expect(toast).not_to_be_visible()
