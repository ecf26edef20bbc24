"""The published distribution, really built: its contents, and that it runs without a checkout."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from email import message_from_bytes
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.server

ROOT = Path(__file__).parent.parent
VERSION = version("dagscope")
DIST_INFO = f"dagscope-{VERSION}.dist-info"


WITHOUT_NODE = {"PATH": str(ROOT / "nowhere")}


def build(folder: Path, target: Path, kind: str, environment: dict[str, str] | None = None) -> Path:
    """The distribution of one kind that the build backend builds from a folder, without downloading anything."""
    built_with(folder, target, kind, environment)
    (built,) = target.iterdir()
    return built


def built_with(folder: Path, target: Path, kind: str, environment: dict[str, str] | None) -> str:
    """What the build backend prints when it builds a distribution."""
    command = [str(Path(sys.executable).with_name("hatchling")), "build", "-d", str(target), "-t", kind]
    options: dict[str, Any] = {"capture_output": True, "text": True, "env": os.environ | (environment or {})}
    ran = subprocess.run(command, cwd=folder, check=True, **options)
    return str(ran.stdout + ran.stderr)


def unpacked(sdist: Path, folder: Path) -> Path:
    """The folder with the contents of a source distribution."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (contents,) = folder.iterdir()
    return contents


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module", params=["checkout", "sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the checkout after its examples have run, and from the source distribution without Node."""
    if request.param == "checkout":
        return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")
    folder = unpacked(request.getfixturevalue("sdist"), tmp_path_factory.mktemp("unpacked"))
    for left in (".dagscope/state.sqlite", "store/hello.duckdb"):
        (folder / "examples/hello" / left).parent.mkdir()
        (folder / "examples/hello" / left).touch()
    return build(folder, tmp_path_factory.mktemp("wheel"), "wheel", WITHOUT_NODE)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with only the wheel's files."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return target


def names(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_one_import_name(wheel: Path) -> None:
    """The wheel installs one package, `dagscope`, and nothing else."""
    top = {name.partition("/")[0] for name in names(wheel)}
    assert top == {"dagscope", DIST_INFO}


def test_what_is_in_the_package(wheel: Path) -> None:
    """The wheel has py.typed, all modules, schema, migrations and two examples, without what their runs leave."""
    packed = set(names(wheel))
    rooms = {path for room in ("dag", "storage", "server", "cli") for path in (ROOT / room).rglob("*.py")}
    expected = {f"dagscope/{path.relative_to(ROOT)}" for path in rooms}
    expected |= {"dagscope/__init__.py", "dagscope/__main__.py", "dagscope/py.typed"}
    expected |= {"dagscope/storage/schema.sql"}
    migrations = [path.relative_to(ROOT / "alembic") for path in (ROOT / "alembic").rglob("*.py")]
    expected |= {f"dagscope/storage/alembic/{path}" for path in migrations}
    for example in ("hello", "nycflights"):
        expected |= {f"dagscope/cli/examples/{example}/{file}" for file in ("config.yaml", "profile.yaml", "README.md")}
    assert expected <= packed
    assert not [name for name in packed if "/.dagscope/" in name or "/store/" in name or "__pycache__" in name]


def test_the_page_is_in_the_package(wheel: Path) -> None:
    """The wheel has the page's document and every file that it names, also if it was built without Node."""
    packed = set(names(wheel))
    with ZipFile(wheel) as archive:
        document = archive.read("dagscope/server/static/index.html").decode()
    named = re.findall(r'"/static/([^"]+)"', document)
    assert {Path(name).suffix for name in named} >= {".css", ".js"}
    assert {f"dagscope/server/static/{name}" for name in named} <= packed


def test_sources_of_the_page(sdist: Path) -> None:
    """The source distribution has the page and the sources to build it, without the packages that npm installs."""
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {"server/static/index.html", "web/package-lock.json", "web/.npmrc", "web/src/main.tsx"} <= packed
    assert not [name for name in packed if "node_modules" in name]


def test_a_build_without_node_and_without_the_page(sdist: Path, tmp_path: Path) -> None:
    """If the page is not there and cannot be built, the wheel is built without it, and the build says what it lacks."""
    folder = unpacked(sdist, tmp_path / "unpacked")
    shutil.rmtree(folder / "server/static")
    printed = built_with(folder, tmp_path / "wheel", "wheel", WITHOUT_NODE)
    assert (
        "dagscope is built without its page for the browser: it needs Node.js 20.19 or newer with npm, which is not "
        "installed. The API works without the page. To have it, run `make page` in the checkout, and build again."
    ) in " ".join(printed.split())
    (wheel,) = (tmp_path / "wheel").iterdir()
    assert "dagscope/server/app.py" in names(wheel)
    assert not [name for name in names(wheel) if "/static/" in name]


def test_links_of_the_readme_lead_out_of_the_index(wheel: Path) -> None:
    """The README on a package index has only absolute links, including the one to its picture."""
    with ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(f"{DIST_INFO}/METADATA"))
    description = str(metadata.get_payload())
    repository = "https://github.com/dagscope/dagscope/blob/main"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert f"]({repository}/docs/settings.md)" in description
    assert "](https://raw.githubusercontent.com/dagscope/dagscope/main/docs/demo.svg)" in description
    links = [text.partition(")")[0] for text in description.split("](")[1:]]
    assert [link for link in links if not link.startswith("https://")] == []


def away_from_the_checkout(installed: Path, folder: Path, *arguments: str) -> str:
    """The output of Python with the installed package and without the checkout, which `-P` leaves off the path."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def test_what_runs_is_what_was_installed(installed: Path, tmp_path: Path) -> None:
    """The rooms are imported from the installed package, and `python -m dagscope` is the command."""
    where = "import dagscope.dag; print(dagscope.dag.__file__)"
    assert away_from_the_checkout(installed, tmp_path, "-c", where) == f"{installed}/dagscope/dag/__init__.py\n"
    shown = away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "--version")
    assert shown == f"dagscope, version {VERSION}\n"
    helped = away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "--help")
    assert helped.startswith("Usage: dagscope [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize(
    ("example", "found"),
    [
        ("hello", "hello-world: 2 assets, 3 data tests, 1 connection: all good\n"),
        ("nycflights", "nycflights: 22 assets, 26 data tests, 1 connection: all good\n"),
    ],
)
def test_each_example_is_made_and_checked(installed: Path, tmp_path: Path, example: str, found: str) -> None:
    """`init` of an installed dagscope creates its examples, and `check` finds no problems in them."""
    away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "init", "new", "--example", example)
    assert away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "check", "--project", "new") == found


def test_a_run_makes_its_state(installed: Path, tmp_path: Path) -> None:
    """`run` of an installed dagscope finds its schema: it creates the state, and the DAG succeeds."""
    away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "init", "new")
    printed = away_from_the_checkout(installed, tmp_path, "-m", "dagscope", "run", "--project", "new")
    assert printed.splitlines()[-1].startswith("SUCCESS: 2 of 2 assets in ")


def test_two_builds_are_equal(sdist: Path, tmp_path: Path) -> None:
    """Two builds of the same sources give the same bytes, whatever the times and the modes of the files."""
    wheels = []
    for number, mode in enumerate((0o644, 0o600)):
        folder = unpacked(sdist, tmp_path / f"unpacked{number}")
        for file in folder.rglob("*"):
            if file.is_file():
                file.chmod(mode)
                os.utime(file, (10**9 + number, 10**9 + number))
        wheels.append(build(folder, tmp_path / f"wheel{number}", "wheel", WITHOUT_NODE).read_bytes())
    assert hashlib.sha256(wheels[0]).hexdigest() == hashlib.sha256(wheels[1]).hexdigest()


def test_software_bill(tmp_path: Path) -> None:
    """The software bill of materials is valid, always the same, and has each dependency in the locked version.

    Those that only an extra brings are optional.
    """
    texts = []
    for name in ("first", "second"):
        command = [sys.executable, str(ROOT / "software_bill.py"), str(tmp_path / name)]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        texts.append((tmp_path / name).read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(texts[0]) is None
    bill = json.loads(texts[0])
    listed = {component["name"]: component["version"] for component in bill["components"]}
    assert bill["metadata"]["component"]["version"] == VERSION
    optional = {component["name"] for component in bill["components"] if component.get("scope") == "optional"}
    for requirement in map(Requirement, requires("dagscope") or ()):
        name = canonicalize_name(requirement.name)
        assert name in listed
        assert (name in optional) == ("extra" in str(requirement.marker))
    locked = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all(f"\n{name}=={number} " in f"\n{locked}" for name, number in listed.items())
    assert not {"pytest", "mypy", "schemathesis"} & listed.keys()
