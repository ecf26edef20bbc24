"""Everything in a project's folders is loaded, or is a problem that names its path."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dagscope.dag.ground.errors import ProjectInvalid
from dagscope.dag.project.loading import load_project
from dagscope.dag.project.loading_limits import LoadingLimits
from tests.projects import PROFILE, block, model, raw, write_project

EXECUTE = "def execute(context):\n    return None\n"
MODELS = "assets/models/staging"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A valid project with one model."""
    return write_project(tmp_path / "shop", {model("staging.orders"): "SELECT 1 AS id"})


def problems(folder: Path, limits: LoadingLimits | None = None) -> list[str]:
    """The problems, one per line."""
    with pytest.raises(ProjectInvalid) as raised:
        load_project(folder, limits or LoadingLimits())
    return list(map(str, raised.value.problems))


@pytest.mark.parametrize(
    "path", ["config.yaml", "profile.yaml", f"{MODELS}/a.sql", f"{MODELS}/a.py", "assets/tests/a.sql"]
)
@pytest.mark.parametrize(
    ("put", "kind"),
    [
        (os.mkfifo, "a named pipe"),
        (lambda file: file.symlink_to("/dev/zero"), "a device"),
        (lambda file: socket.socket(socket.AF_UNIX).bind(str(file)), "a socket"),
    ],
    ids=["pipe", "device", "socket"],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_no_file(
    folder: Path, path: str, put: Callable[[Path], None], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipes, devices and sockets are not opened: each is reported with its path."""
    monkeypatch.chdir(folder)  # a socket's path must be short
    Path(path).unlink(missing_ok=True)
    Path(path).parent.mkdir(exist_ok=True)
    put(Path(path))
    assert f"{path}: {kind}, not a file; replace it with a file" in problems(folder)


@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        (f"{MODELS}/a.sql", "a.sql", "a link that points to itself; remove it"),
        (f"{MODELS}/a.sql", "gone.sql", "a broken link; remove it, or restore its target"),
        ("assets/models/mart", "gone", "a broken link; remove it, or restore its target"),
        (f"{MODELS}/again", "..", "a link to a folder that contains it; remove the link"),
        ("assets/models/mart", "/etc/hostname/x", "cannot be read: Not a directory"),
    ],
)
def test_bad_links(folder: Path, path: str, target: str, message: str) -> None:
    """A broken or circular link is reported with its path."""
    (folder / path).symlink_to(target)
    assert problems(folder) == [f"{path}: {message}"]


def test_linked_folders_and_files(folder: Path, tmp_path: Path) -> None:
    """Folders and files in other places are loaded through links to them."""
    shared = write_project(
        tmp_path / "shared", {"mart/sales.sql": "SELECT 1", "tests/total.sql": "SELECT 1 WHERE false"}
    )
    (folder / "assets/models/mart").symlink_to(shared / "mart")
    (folder / "assets/tests").symlink_to(shared / "tests")
    (folder / model("staging.more")).symlink_to(shared / "mart/sales.sql")
    project = load_project(folder)
    assert list(project.assets) == ["mart.sales", "staging.more", "staging.orders"]
    assert list(project.tests) == ["root.total"]


def test_extensions_in_capitals(folder: Path) -> None:
    """An extension may be in capitals."""
    write_project(folder, {f"{MODELS}/SALES.SQL": "SELECT 1", f"{MODELS}/report.Py": EXECUTE})
    write_project(folder, {"assets/tests/total.Sql": "SELECT 1 WHERE false"})
    project = load_project(folder)
    assert list(project.assets) == ["staging.SALES", "staging.orders", "staging.report"]
    assert project.assets["staging.report"].is_raw
    assert list(project.tests) == ["root.total"]


def test_hidden_files_are_left_out(folder: Path) -> None:
    """Files that editors, notebooks and file managers leave next to models are ignored."""
    others = (".ipynb_checkpoints/orders-checkpoint.sql", "._orders.sql", ".#orders.sql", "#orders.sql#", "orders.sql~")
    write_project(folder, {f"{MODELS}/{name}": "{% nothing" for name in others})
    assert list(load_project(folder).assets) == ["staging.orders"]


def test_stages_that_differ_in_case(folder: Path) -> None:
    """Stages whose names differ only in case are reported once, however many models they have."""
    write_project(folder, {model("Staging.sales"): "SELECT 1", model("staging.more"): "SELECT 1"})
    other_letters = 'stage "staging" differs from "Staging" only in case, which databases ignore; rename one'
    assert problems(folder) == [f"assets/models/staging: {other_letters}"]


def test_models_that_differ_in_case(folder: Path) -> None:
    """Two models whose names differ only in case are reported."""
    write_project(folder, {model("staging.ORDERS"): "SELECT 1"})
    message = 'asset "staging.orders" is already defined by assets/models/staging/ORDERS.sql; rename one'
    assert problems(folder) == [f"{model('staging.orders')}: {message}"]


def test_names_that_are_not_utf8(folder: Path) -> None:
    """A name in another encoding is shown with its bytes, so that it can be found and renamed."""
    (Path(os.fsdecode(os.fsencode(folder / MODELS) + b"/gr\xf6\xdfe.sql"))).write_text("SELECT 1")
    message = r'"gr\xf6\xdfe" cannot be a name; use letters, digits and _, not starting with a digit'
    assert problems(folder) == [rf"{MODELS}/gr\xf6\xdfe.sql: {message}"]


def test_folder_with_the_name_of_a_file(folder: Path) -> None:
    """A folder with the name of a model file is reported, and not read as a model."""
    (folder / MODELS / "sales.sql").mkdir()
    assert problems(folder) == [f"{MODELS}/sales.sql: a folder, not a file; rename it"]


def test_deep_folders(folder: Path) -> None:
    """A search ends, however deeply the folders are nested."""
    write_project(folder, {f"{MODELS}/{'deep/' * 20}a.sql": "SELECT 1"})
    deepest = f"{MODELS}{'/deep' * 7}"
    assert problems(folder) == [f"{deepest}: more than 8 nested folders; deeper ones are not read"]


@pytest.mark.parametrize(
    ("path", "limit"), [(f"{MODELS}/a.sql", "8,000"), (f"{MODELS}/a.py", "1,000"), ("profile.yaml", "1,000")]
)
def test_large_files(folder: Path, path: str, limit: str) -> None:
    """A file over the limit is a problem that names the limit."""
    write_project(folder, {path: "#" * (int(limit.replace(",", "")) + 1)})
    message = f"larger than {limit} bytes; make it shorter, or raise DAGSCOPE_LOAD_FILE_LIMIT_BYTES"
    limits = LoadingLimits(file_bytes=8_000)
    assert problems(folder, limits) == [f"{path}: {message}"]


def test_size_of_all(folder: Path) -> None:
    """Files that are too large together are one problem, which names the limit; at the limit, they are loaded."""
    before = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert load_project(folder, LoadingLimits(total_bytes=before)).assets.keys() == {"staging.orders"}
    message = f"assets: the project's files have more than {before} bytes together; make them shorter, or raise"
    write_project(folder, {model("staging.more"): "SELECT 1", model("staging.most"): "SELECT 1"})
    assert problems(folder, LoadingLimits(total_bytes=before)) == [f"{message} DAGSCOPE_LOAD_TOTAL_LIMIT_BYTES"]


def test_time_of_all(folder: Path) -> None:
    """A loading that takes too long ends with the limit that it reaches."""
    message = "assets: loading takes longer than 0 s; raise DAGSCOPE_LOAD_TOTAL_LIMIT_S if the project needs longer"
    assert problems(folder, LoadingLimits(total_s=0)) == [message]


def test_time_of_a_file(folder: Path) -> None:
    """The time limit of a file is that of its template."""
    write_project(folder, {model("staging.sales"): "{% for a in range(99999) %}{{ a }}{% endfor %}"})
    message = "the template takes longer than 0.001 s; make its loops shorter"
    assert problems(folder, LoadingLimits(file_s=0.001)) == [f"{model('staging.sales')}:1: {message}"]


@pytest.mark.parametrize(
    ("python", "line", "message"),
    [
        ("x = " + "+".join(["1"] * 20_000), "", "nested too deeply"),
        ("x = " + "-" * 100_000 + "1", "", "nested too deeply"),
        ("x = " + "(" * 5_000, ":1", "too many nested parentheses"),
        ("x = 1\0", ":1", "source code string cannot contain null bytes"),
    ],
)
def test_python_that_cannot_be_parsed(folder: Path, python: str, line: str, message: str) -> None:
    """Python code that the parser cannot read is a problem with the file."""
    path = raw("staging.report")
    write_project(folder, {path: python})
    assert problems(folder) == [f"{path}{line}: not valid Python: {message}"]


def test_python_is_not_compiled(folder: Path) -> None:
    """A constant that would take forever to evaluate does not prevent a project from loading."""
    write_project(folder, {raw("staging.report"): f"x = 10**10**8\n{EXECUTE}"})
    assert "staging.report" in load_project(folder).assets


def test_async_execute(folder: Path) -> None:
    """An async execute function is reported as such."""
    write_project(folder, {raw("staging.report"): f"import asyncio\n\nasync {EXECUTE}"})
    message = "execute cannot be async; write def execute(context), and asyncio.run(...) in it"
    assert problems(folder) == [f"{raw('staging.report')}:3: {message}"]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join(['*' + before] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
MANY_ALIASES = "more than 100,000 keys and values, counting what aliases stand for"
DEEP = "nested more than 100 levels deep"


@pytest.mark.parametrize(
    ("path", "text", "place", "message"),
    [
        ("profile.yaml", PROFILE + BOMB, ":9", MANY_ALIASES),
        (model("staging.orders"), block(BOMB) + "SELECT 1", ":7", MANY_ALIASES),
        ("profile.yaml", "name: " + "[" * 900 + "]" * 900, ":1", DEEP),
        ("profile.yaml", "- " * 30_000, ":1", DEEP),
        ("config.yaml", "cores: " + "9" * 5000, ":1", "a number with more than 100 characters"),
        ("profile.yaml", 'name: "a\\0b"', ":1", "a string contains the character NUL"),
        ("config.yaml", "cores: " + ":".join(["59"] * 3000), ":1", "a number with more than 100 characters"),
    ],
)
def test_yaml_that_is_too_much(folder: Path, path: str, text: str, place: str, message: str) -> None:
    """YAML that expands to too many values is reported with its line, and not read."""
    write_project(folder, {path: text})
    assert f"{path}{place}: not valid YAML: {message}" in problems(folder)


def test_many_wrong_keys(folder: Path) -> None:
    """Of thousands of wrong keys a hundred are reported, and how many more there are."""
    write_project(folder, {"profile.yaml": PROFILE + "".join(f"key{n}: 1\n" for n in range(5_000))})
    found = problems(folder)
    assert len(found) == 101
    assert "profile.yaml:1: 4,900 more keys or values are invalid" in found


def test_project_folder_that_is_a_loop(tmp_path: Path) -> None:
    """A project folder that is a link to itself is reported with its path."""
    (tmp_path / "shop").symlink_to("shop")
    assert problems(tmp_path / "shop") == [f"{tmp_path}/shop: cannot be read: a link that points to itself"]
