"""The page's document and files over HTTP: what is sent, with which headers, and nothing from outside their folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dagscope.dag.project.loading import load_project
from dagscope.server.app import create_app
from dagscope.server.workspace.settings import Settings
from dagscope.server.workspace.workspace import open_workspace
from tests.doors import ADDRESS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
VIEWS = ("/", "/tests", "/logs", "/history", "/compare", "/tasks/monday", "/tasks/a%20b", "/assets/dds.world")
DOCUMENT = '<!doctype html><script type="module" src="/static/index-Bq3xXZ1a.js"></script>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built page, with a secret beside it and a link to the secret."""
    folder = tmp_path / "static"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link-Bq3xXZ1a.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "index.html").write_text(DOCUMENT, encoding="utf-8")
    for name in ("index-Bq3xXZ1a.js", "index-_0-xXZ1a.css", "icon-Bq3xXZ1a.svg", "font-Bq3xXZ1a.woff2", "robots.txt"):
        (folder / name).write_text(name, encoding="utf-8")
    return folder


@pytest.fixture
def client(hello: Path, folder: Path) -> Iterator[TestClient]:
    """The hello project, served with that page."""
    app = create_app(lambda: open_workspace(load_project(hello), Settings()), folder)
    with TestClient(app, ADDRESS) as client:
        yield client


@pytest.mark.parametrize("path", VIEWS)
def test_the_document_of_each_view(client: TestClient, path: str) -> None:
    """Each view is the same document, asked for anew each time, with a policy that lets nothing foreign in."""
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, DOCUMENT)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    head = client.head(path)
    assert (head.status_code, head.text, head.headers["content-length"]) == (200, "", str(len(DOCUMENT)))


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("index-Bq3xXZ1a.js", "text/javascript; charset=utf-8"),
        ("index-_0-xXZ1a.css", "text/css; charset=utf-8"),
        ("icon-Bq3xXZ1a.svg", "image/svg+xml"),
        ("font-Bq3xXZ1a.woff2", "font/woff2"),
    ],
)
def test_a_hashed_file(client: TestClient, name: str, media_type: str) -> None:
    """A file with a hash in its name is kept for a year, and has its own type and the policy of the page."""
    answer = client.get(f"/static/{name}")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (200, name, media_type)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-security-policy"] == POLICY  # of a worker's script, it is the worker's
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_file_without_a_hash(client: TestClient) -> None:
    """A file whose name stays when its contents change is asked for anew each time."""
    assert client.get("/static/robots.txt").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/index.html",
        "/static/nothing-Bq3xXZ1a.js",
        "/static/link-Bq3xXZ1a.txt",
        "/static/../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/%2fetc/passwd",
        "/static//etc/passwd",
        f"/static/{'x' * 5_000}.js",
        "/tests/",
        "/tasks",
        "/tasks/a/b",
        "/nowhere",
    ],
)
def test_other_paths(client: TestClient, path: str) -> None:
    """Any other path is a 404 in JSON: nothing outside the folder, not even through a link, and no unknown view."""
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")


@pytest.mark.parametrize("path", [*VIEWS, "/static/index-Bq3xXZ1a.js", "/api"])
def test_other_methods(client: TestClient, path: str) -> None:
    """The page and its files can only be read."""
    for method in ("POST", "PUT", "DELETE"):
        answer = client.request(method, path)
        assert (answer.status_code, answer.json()["error"]) == (405, "Method Not Allowed")
        assert answer.headers["allow"] == "GET, HEAD"


def test_the_list_of_endpoints(client: TestClient) -> None:
    """`/api` is a plain page that names the project, links to what can be opened, and runs no script."""
    answer = client.get("/api")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<h1>hello-world</h1>" in answer.text
    assert '<a href="/api/dag/tasks">/api/dag/tasks</a>' in answer.text
    assert "make page" not in answer.text


def test_a_page_that_is_built_while_the_server_runs(client: TestClient, folder: Path) -> None:
    """Without the page, each view says how to build it and lists the endpoints, until it is built."""
    built = (folder / "index.html").rename(folder / "elsewhere")
    for path in VIEWS:
        text = client.get(path).text
        assert "<h2>The page for the browser is not built</h2>" in text
        assert "<pre>make page</pre>" in text
        assert "<pre>cd web\nnpm ci --ignore-scripts\nnpm run build</pre>" in text
        assert '<a href="/api/dag/tasks">/api/dag/tasks</a>' in text
    built.rename(folder / "index.html")
    assert client.get("/").text == DOCUMENT
