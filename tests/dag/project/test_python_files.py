"""Python files that raw assets share: in assets/lib/, and beside models."""

import pytest

from tests.dag.run.task_run import MakeProject
from tests.projects import model, raw

ORDERS = {model("s.orders"): "SELECT 1 AS id"}
EXECUTE = "\n\ndef execute(context):\n    return None\n"
UNUSED = (
    "assets/models/s/rates.py: no function execute(context), and no file in assets/ imports it; define "
    "execute(context) to make it a raw asset, or import it as assets.models.s.rates"
)


def warnings(make_project: MakeProject, files: dict[str, str]) -> list[str]:
    return [str(warning) for warning in make_project(ORDERS | files).warnings]


@pytest.mark.parametrize(
    "line",
    [
        "import assets.models.s.rates",
        "from assets.models.s import rates",
        "from assets.models.s.rates import RATE",
        "from . import rates",
        "from .rates import RATE",
        "from ..s import rates as r",
    ],
)
@pytest.mark.parametrize("file", [raw("s.report"), raw("s.other"), "assets/models/s/__init__.py"])
def test_module_beside_models(make_project: MakeProject, line: str, file: str) -> None:
    """A Python file beside models that another one imports is a module, and no asset."""
    text = line if file.endswith("__init__.py") else line + EXECUTE
    project = make_project({**ORDERS, raw("s.rates"): "RATE = 1\n", file: text})
    assert "s.rates" not in project.assets
    assert project.warnings == ()


def test_module_that_the_library_imports(make_project: MakeProject) -> None:
    """A file in assets/lib/ can import a module beside models, also inside a function."""
    library = {"assets/lib/shop.py": "def price():\n    from assets.models.s.rates import RATE\n    return RATE\n"}
    assert warnings(make_project, {raw("s.rates"): "RATE = 1\n", **library}) == []


@pytest.mark.parametrize("line", ["import rates", "from assets.models.t import rates", "from . import other"])
def test_file_without_execute_that_nobody_imports(make_project: MakeProject, line: str) -> None:
    """A Python file without `execute` that no other file imports may be a raw asset: a warning says both ways."""
    assert warnings(make_project, {raw("s.rates"): "RATE = 1\n", raw("s.report"): line + EXECUTE}) == [UNUSED]


def test_packages_of_the_library(make_project: MakeProject) -> None:
    """Files in assets/lib/ need no `execute` and can be in packages; folders of models can have an __init__.py."""
    files = ["assets/lib/shop/__init__.py", "assets/lib/shop/eu/vat.py", "assets/lib/load-all.py"]
    files += ["assets/models/__init__.py", "assets/models/s/__init__.py"]
    assert warnings(make_project, dict.fromkeys(files, "RATE = 1\n")) == []
