"""A project's own Python modules: shared by its assets, and loaded again after a change."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.dag.run.task_run import MakeProject, RunProject
from tests.projects import ONE_AFTER_ANOTHER, raw, save_at_once

LIB, BASE = "assets/lib/geo.py", "assets/lib/base.py"
REPORT = raw("s.report")
NUMBER = "from assets.lib import geo\n\ndef execute(context):\n    return geo.NUMBER\n"
COUNT = "from assets.lib import geo\n\ndef execute(context):\n    geo.calls.append(1)\n    return len(geo.calls)\n"


@pytest.mark.parametrize("saved", [LIB, "prices.py"])
def test_module_that_changed(make_project: MakeProject, run_project: RunProject, saved: str) -> None:
    """A module that was saved is loaded again in the next task, even if it has the same time and size as before."""
    text = NUMBER if saved == LIB else "import prices\n\ndef execute(context):\n    return prices.NUMBER\n"
    project = make_project({REPORT: text, saved: "NUMBER = 1\n"})
    found = [run_project(project).captured("s.report")]
    for number in (2, 3):
        save_at_once(project.folder / saved, f"NUMBER = {number}\n")
        found.append(run_project(project).captured("s.report"))
    assert found == [1, 2, 3]


def test_modules_that_did_not_change(make_project: MakeProject, run_project: RunProject) -> None:
    """Assets of one task and of the next share a module, until any of the project's Python files is saved."""
    files = {raw("s.a"): COUNT, raw("s.b"): COUNT, LIB: "calls = []\n", BASE: "WORD = 'a'\n"}
    project = make_project({**files, raw("s.c"): "import assets.lib.base\n\ndef execute(context): pass\n"})
    runs = [run_project(project), run_project(project)]
    (project.folder / BASE).write_text("WORD = 'b'\n", encoding="utf-8")
    runs.append(run_project(project))
    assert [sorted([run.captured("s.a"), run.captured("s.b")]) for run in runs] == [[1, 2], [3, 4], [1, 2]]


def test_modules_beside_config(make_project: MakeProject, run_project: RunProject) -> None:
    """Each raw asset of a task can import modules of the project's folder, not only the first one."""
    text = "import {0}\n\ndef execute(context):\n    return {0}.__name__\n"
    assets = {raw("s.a"): text.format("prices"), raw("s.b"): text.format("rates")}
    run = run_project(make_project({**assets, "prices.py": "", "rates.py": "", "profile.yaml": ONE_AFTER_ANOTHER}))
    assert (run.captured("s.a"), run.captured("s.b")) == ("prices", "rates")


def test_no_mixture(make_project: MakeProject, run_project: RunProject) -> None:
    """After one module was saved, those that import it use the new one, also below a package."""
    files = {
        "assets/lib/shop/__init__.py": "from assets.lib.shop.prices import price\n",
        "assets/lib/shop/prices.py": "from .rates import RATE\n\ndef price():\n    return RATE\n",
        "assets/lib/shop/rates.py": "RATE = 1\n",
        REPORT: "from assets.lib import shop\n\ndef execute(context):\n    return shop.price()\n",
    }
    project = make_project(files)
    found = [run_project(project).captured("s.report")]
    save_at_once(project.folder / "assets/lib/shop/rates.py", "RATE = 2\n")
    assert [*found, run_project(project).captured("s.report")] == [1, 2]


def test_module_that_is_new(make_project: MakeProject, run_project: RunProject) -> None:
    """A module that could not be imported is found once its file is there, and no longer once it was deleted."""
    text = "try: from assets.lib import extra\nexcept ImportError: extra = None\n"
    files = {LIB: text, REPORT: "from assets.lib import geo\n\ndef execute(context):\n    return bool(geo.extra)\n"}
    project = make_project(files)
    found = [run_project(project).captured("s.report")]
    extra = project.folder / "assets/lib/extra.py"
    extra.write_text("", encoding="utf-8")
    found.append(run_project(project).captured("s.report"))
    extra.unlink()
    assert [*found, run_project(project).captured("s.report")] == [False, True, False]


def test_module_beside_models(make_project: MakeProject, run_project: RunProject) -> None:
    """A raw asset can import a file beside it, by its full name and relative to itself."""
    lines = ("import assets.models.s.rules", "from . import rules", "from .rules import NUMBER")
    text = "\n".join(lines) + "\n\ndef execute(context):\n    return [rules is assets.models.s.rules, NUMBER]\n"
    project = make_project({REPORT: text, raw("s.rules"): "NUMBER = 7\n"})
    assert (run_project(project).captured("s.report"), list(project.assets)) == ([True, 7], ["s.report"])


def test_library_in_the_project(make_project: MakeProject, run_project: RunProject) -> None:
    """A library that is installed in the project's folder is not loaded again."""
    path = "import sys\nsys.path.append(__file__.rsplit('/', 4)[0] + '/env/lib/site-packages')\n"
    text = f"{path}from assets.lib import geo\nimport installed_lib\n\ndef execute(context):\n"
    text += "    installed_lib.calls.append(geo.NUMBER)\n    return installed_lib.calls\n"
    files = {LIB: "NUMBER = 1\n", "env/lib/site-packages/installed_lib.py": "calls = []\n", REPORT: text}
    project = make_project(files)
    found = [run_project(project).captured("s.report")]
    save_at_once(project.folder / LIB, "NUMBER = 2\n")
    assert [*found, run_project(project).captured("s.report")] == [[1], [1, 2]]


def test_package_of_the_same_name(make_project: MakeProject, run_project: RunProject, tmp_path: Path) -> None:
    """The project's `assets` is found also if a package of this name is installed, or was imported before."""
    (tmp_path / "installed/assets").mkdir(parents=True)
    (tmp_path / "installed/assets/__init__.py").touch()
    sys.path.append(str(tmp_path / "installed"))
    sys.modules["assets"] = ModuleType("assets")
    project = make_project({LIB: "NUMBER = 1\n", REPORT: NUMBER, "assets/lib/__init__.py": ""})
    found = [run_project(project).captured("s.report")]
    (project.folder / "assets/__init__.py").touch()
    save_at_once(project.folder / LIB, "NUMBER = 2\n")
    assert [*found, run_project(project).captured("s.report")] == [1, 2]


def test_nothing_is_written(
    make_project: MakeProject, run_project: RunProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing the project's modules leaves no bytecode in its folder."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    project = make_project({LIB: "NUMBER = 1\n", REPORT: NUMBER})
    assert run_project(project).captured("s.report") == 1
    assert not list(project.folder.rglob("__pycache__"))
