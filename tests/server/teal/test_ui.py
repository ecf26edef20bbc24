"""Teal's own UI, served from a folder (docs/teal.md)."""

from pathlib import Path

import pytest

from tests.doors import AppDoor, OpenDoor, Serve

DOCUMENT = '<!doctype html><script type="module" src="/assets/index.js"></script>'


@pytest.fixture
def ui(tmp_path: Path) -> Path:
    """Files like those of the UI, with a secret beside them and a link to the secret."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "index.html").write_text(DOCUMENT, encoding="utf-8")
    (folder / "assets" / "index.js").write_text("start()", encoding="utf-8")
    return folder


@pytest.fixture
def door(hello: Path, ui: Path, opened: OpenDoor) -> AppDoor:
    return opened(hello, dialect="teal-v1", teal_ui=ui)


@pytest.mark.parametrize(
    "path", ["/", "/tests", "/about", "/tests/dds.x", "/link.txt", "/..%2fsecret.txt", "/static/x"]
)
def test_each_view_is_the_document(door: AppDoor, path: str) -> None:
    """Every path that is no file of the UI is its document, and nothing outside the folder is sent."""
    answer = door.get(path)
    assert (answer.status_code, answer.text) == (200, DOCUMENT)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_file(door: AppDoor) -> None:
    """A file of the UI is sent with its type, and asked for anew each time, because its name never changes."""
    answer = door.get("/assets/index.js")
    assert (answer.text, answer.headers["content-type"]) == ("start()", "text/javascript; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/api/nothing", "/dagster/graphql", "/graphql"])
def test_the_api_keeps_its_paths(door: AppDoor, path: str) -> None:
    """Paths of the API are never the document."""
    assert door.get(path).text != DOCUMENT


def test_a_token_protects_the_project_not_the_ui(hello: Path, ui: Path, opened: OpenDoor) -> None:
    """With a token, the UI's files are sent without it, and nothing of the project is."""
    door = opened(hello, dialect="teal-v1", teal_ui=ui, api_token="agent:a1")
    assert [door.get(path).status_code for path in ("/", "/assets/index.js", "/api/dag")] == [200, 200, 401]


@pytest.mark.parametrize(
    ("is_served_here", "step", "others"), [(False, 1, (0, 2)), (True, 0, (1, 2))], ids=["beside", "here"]
)
def test_the_origin_of_the_ui(
    hello: Path, ui: Path, serve: Serve, is_served_here: bool, step: int, others: tuple[int, ...]
) -> None:
    """Pages of the next port, where Teal serves the UI, or of the server's own, may ask; those of others may not."""
    server = serve(hello, "--dialect", "teal-v1", *(("--teal-ui", str(ui)) if is_served_here else ()))
    port = int(server.address.rpartition(":")[2])
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for name in ("localhost", "127.0.0.1"):
        origin = f"http://{name}:{port + step}"
        answer = server.request("OPTIONS", "/api/dag/run", headers={"Origin": origin, **asks})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)
        answer = server.get("/api/dag", headers={"Origin": origin, "Sec-Fetch-Site": "same-site"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    for other in others:
        headers = {"Origin": f"http://localhost:{port + other}", "Sec-Fetch-Site": "same-site"}
        answer = server.get("/api/dag", headers=headers)
        assert "access-control-allow-origin" not in answer.headers


def test_another_origin_takes_the_place(hello: Path, serve: Serve) -> None:
    """With `--allow-origin`, only pages of that origin may ask."""
    server = serve(hello, "--dialect", "teal-v1", "--allow-origin", "http://ui.example.com")
    port = int(server.address.rpartition(":")[2])
    codes = [
        server.get("/api/dag", headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}).status_code
        for origin in ("http://ui.example.com", f"http://localhost:{port + 1}")
    ]
    assert codes == [200, 403]
