"""A project that cannot be loaded, and is fixed while the page is open."""

from pathlib import Path

from playwright.sync_api import expect

from tests.doors import Serve
from tests.page.conftest import Visit
from tests.projects import model


def test_fixed_while_the_page_is_open(hello: Path, serve: Serve, visit: Visit) -> None:
    """The page shows the problems of files, with their lines, as the files are saved, and then the project."""
    profile = hello / "profile.yaml"
    right = profile.read_text(encoding="utf-8")
    profile.write_text(f"{right}\nstaeges: []\n", encoding="utf-8")
    page = visit(serve(hello, "--reload")).open()
    alert = page.get_by_role("alert").filter(has_text="cannot be loaded")
    expect(alert).to_contain_text("The project cannot be loaded: 1 problem")
    expect(alert).to_contain_text(f"profile.yaml:{len(right.splitlines()) + 2}")
    expect(alert).to_contain_text('unknown key "staeges"')
    broken = hello / model("dds.world")
    sql = broken.read_text(encoding="utf-8")
    profile.write_text(right, encoding="utf-8")
    broken.write_text(sql.replace('Ref("staging.hello")', 'Ref("staging.helo")'), encoding="utf-8")
    expect(alert).to_contain_text('did you mean "staging.hello"?')
    broken.write_text(sql, encoding="utf-8")
    expect(alert).to_have_count(0)
    expect(page.get_by_role("banner")).to_contain_text("hello-world")
    task_bar = page.get_by_role("region", name="Task", exact=True)
    task_bar.get_by_role("button", name="Run…").click()
    page.get_by_role("dialog", name="Run").get_by_role("button", name="Run all 2 assets").click()
    expect(task_bar).to_contain_text("2 done")
