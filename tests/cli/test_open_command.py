"""`dagscope open`: what is shown of a bundle, and which files are refused."""

import io
import json
import re
import stat
import zipfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pytest

from dagscope.storage.bundle_file import MANIFEST
from tests.bundles import CHEAPER, PROJECT, OpenBundle, bundle_of, members_of, saved
from tests.cli.dagscope_command import dagscope_here
from tests.doors import AppDoor
from tests.projects import block, model, write_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a green task and a red one."""
    folder = write_project(tmp_path_factory.mktemp("project"), PROJECT)
    door = AppDoor(folder)
    door.run("monday")
    door.stop()
    (folder / model("staging.orders")).write_text(CHEAPER)
    door.start()
    door.run("tuesday")
    door.stop()
    return folder


@pytest.fixture(scope="module")
def bundle(project: Path) -> bytes:
    """The bundle of these two."""
    door = AppDoor(project)
    answer = door.get("/api/bundle")
    door.stop()
    assert answer.status_code == 200, answer.text
    return answer.content


SAME = (
    "/api/dag",
    "/api/dag/tasks",
    "/api/dag/history",
    "/api/dag/status/tuesday",
    "/api/dag/status/monday",
    "/api/dag/timings/tuesday",
    "/api/tests",
    "/api/tests/results/tuesday",
    "/api/tests/data/staging.paid",
    "/api/tests/ledger/staging.paid",
    "/api/compare",
    "/api/logs/tuesday",
    "/api/dag/asset/staging.orders/statements?taskId=tuesday",
    "/api/dag/asset/staging.orders/sql",
    "/api/dag/asset/mart.sums/lineage",
    "/api/dag/asset/mart.total/sql",
    "/api/dag/asset/mart.sums/data?format=arrays",
    "/api/dag/asset/mart.sums/data?taskId=monday",
    "/api/dag/asset/mart.total/data",
    "/api/dag/asset/staging.orders/data?format=arrays&sort=-id&limit=3",
    "/api/docs/readme",
)


def test_the_same_answers(project: Path, bundle: bytes, open_bundle: OpenBundle, tmp_path: Path) -> None:
    """Whoever opens a bundle sees what the project's own server shows, although there is no database."""
    door, opened = AppDoor(project), open_bundle(saved(tmp_path, bundle))
    answers = {path: (door.get(path), opened.get(path)) for path in SAME}
    door.stop()
    differing = {path: (a.text, b.text) for path, (a, b) in answers.items() if a.text != b.text}
    assert (differing, {a.status_code for a, _ in answers.values()}) == ({}, {200})


def test_nothing_is_executed(bundle: bytes, open_bundle: OpenBundle, tmp_path: Path) -> None:
    """A bundle that is open runs nothing, opens no database and changes nothing; its folder ends with it."""
    opened = open_bundle(saved(tmp_path, bundle))
    details = "nothing can be run, changed or deleted: the server shows a bundle"
    for path in ("run", "reset", "asset/staging.orders/execute", "asset/staging.orders/select", "connect"):
        answer = opened.post(f"/api/dag/{path}", {"taskId": "x"})
        assert (answer.status_code, answer.json()["details"]) == (403, details)
    answer = opened.post("/api/dag/asset/staging.orders/preview")
    message = 'connection "duck": a bundle has no databases; ask in the project that it was made of'
    assert (answer.status_code, answer.json()["error"]) == (500, message)
    assert len(list(tmp_path.iterdir())) == 2
    opened.stop()
    assert [file.name for file in tmp_path.iterdir()] == ["received.dagscope"]


def test_first_rows(open_bundle: OpenBundle, tmp_path: Path) -> None:
    """Of a table of which only the first rows were captured, the answer says how many it had; a view has no rows."""
    (tmp_path / "project").mkdir()
    first = block("capture: rows 2") + "SELECT range AS n FROM range(5)"
    files = {model("s.first"): first, model("s.seen"): block("materialization: view") + "SELECT 1 AS n"}
    door = AppDoor(write_project(tmp_path / "project", files))
    door.run("monday")
    bundle = door.get("/api/bundle").content
    door.stop()
    opened = open_bundle(saved(tmp_path, bundle))
    answer = opened.get("/api/dag/asset/s.first/data?format=arrays").json()
    assert (answer["rows"], answer["totalRecords"], answer["relationRows"]) == ([["0"], ["1"]], 2, 5)
    assert opened.get("/api/dag/asset/s.seen/data").status_code == 204


Make = Callable[[bytes], bytes]
"""Makes another bundle, or another file, of a good one."""


def changed(name: str, content: bytes | None = None, **said: object) -> Make:
    """With another member, and a manifest that says so; without one, only with what the manifest says."""

    def make(bundle: bytes) -> bytes:
        members = members_of(bundle)
        return bundle_of(members if content is None else members | {name: content}, **said)

    return make


def replaced(table: str, old: str, new: str) -> Make:
    """With another text in the rows of a table."""

    def make(bundle: bytes) -> bytes:
        name = f"state/{table}.jsonl"
        text = members_of(bundle)[name].decode()
        assert old in text
        return changed(name, text.replace(old, new).encode())(bundle)

    return make


def linked(bundle: bytes) -> bytes:
    """With a link to a file of the machine."""
    written = io.BytesIO(bundle)
    with zipfile.ZipFile(written, "a") as archive:
        info = zipfile.ZipInfo("project/assets/models/mart/link.sql")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return written.getvalue()


def without(name: str) -> Make:
    """Without a member, which the manifest has."""

    def make(bundle: bytes) -> bytes:
        members = members_of(bundle)
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for kept in members.keys() - {name}:
                archive.writestr(kept, members[kept])
        return written.getvalue()

    return make


def bomb(bundle: bytes) -> bytes:
    """With a file of 300 MB of zeros, which takes 300 kB."""
    return changed("project/assets/models/mart/bomb.sql", bytes(300_000_000))(bundle)


def many(bundle: bytes) -> bytes:
    """With more members than a bundle may have."""
    members = {f"project/assets/lib/a{number}.py": b"" for number in range(21_000)}
    return bundle_of(members_of(bundle) | members)


def flipped(bundle: bytes) -> bytes:
    """With one bit of a member changed on the way."""
    at = bundle.index(b"state/code.jsonl") + 200
    return bundle[:at] + bytes([bundle[at] ^ 1]) + bundle[at + 1 :]


def with_frame(table: pa.Table | pa.RecordBatch, **options: object) -> Make:
    """With other rows than the asset returned, under their own hash."""

    def make(bundle: bytes) -> bytes:
        members, written = members_of(bundle), io.BytesIO()
        with pa.ipc.new_file(written, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write(table)
        old = next(name for name in members if name.endswith(".arrow") and b"price" in members[name])
        new = blake2b(written.getvalue(), digest_size=20).hexdigest()
        del members[old]
        digest = old.removeprefix("frames/").removesuffix(".arrow")
        members = {name: content.replace(digest.encode(), new.encode()) for name, content in members.items()}
        rows = [json.loads(line) for line in members["state/frame.jsonl"].splitlines()]
        rows = [[*row[:2], table.num_rows, json.dumps(table.schema.names)] if row[0] == new else row for row in rows]
        members["state/frame.jsonl"] = "\n".join(map(json.dumps, rows)).encode()
        return bundle_of(members | {f"frames/{new}.arrow": written.getvalue()})

    return make


def untrusted(reason: str) -> str:
    return f"{reason}; dagscope writes no such bundle, so do not trust where it comes from"


def unknown(name: str) -> str:
    return untrusted(f'it has a member "{name}", and no bundle has one of that name')


def invalid(table: str, reason: str) -> str:
    return untrusted(f'its member "state/{table}.jsonl" has an invalid row: {reason}')


def unshown(reason: str) -> str:
    return untrusted(f'its member "frames/DIGEST.arrow" cannot be shown: {reason}')


def damaged(name: str, reason: str) -> str:
    return f'its member "{name}" is damaged: {reason}; ask for a new bundle'


SHARED = pa.array(["x" * 100_000] * 5).dictionary_encode()
TOO_FEW_BYTES = "it stands for more rows or values than it has bytes for"
NOT_ONE = "it is not a bundle, or not all of it; give a file that `dagscope bundle` has written"
REFUSED: dict[str, tuple[Make, str]] = {
    "a part of one": (lambda bundle: bundle[:-1_000], NOT_ONE),
    "another file": (lambda _: b"SQLite format 3\0" * 100, NOT_ONE),
    "an empty file": (lambda _: b"", NOT_ONE),
    "another ZIP file": (without(MANIFEST), "it has no manifest.json; give a file that `dagscope bundle` has written"),
    "a newer version": (
        changed("", version=2, dagscope="0.9"),
        "dagscope 0.9 wrote it in version 2 of the format; this dagscope reads version 1: update it",
    ),
    "a member on the way": (flipped, damaged("state/code.jsonl", "Bad CRC-32 for file 'state/code.jsonl'")),
    "a lost member": (
        without("state/code.jsonl"),
        'it lacks the member "state/code.jsonl", which its manifest.json names; ask for a new bundle',
    ),
    "a path that leads out": (changed("project/../../../../tmp/x.py", b""), unknown("project/../../../../tmp/x.py")),
    "an absolute path": (changed("/etc/cron.d/x", b""), unknown("/etc/cron.d/x")),
    "a path of the state": (changed("project/.dagscope/state.sqlite", b""), unknown("project/.dagscope/state.sqlite")),
    "a database": (changed("state/state.sqlite", b""), unknown("state/state.sqlite")),
    "a link": (linked, untrusted('its member "project/assets/models/mart/link.sql" is a link or a device, not a file')),
    "a bomb": (bomb, untrusted("its members have N bytes unpacked, more than 200 times its own")),
    "too many members": (many, untrusted("it has more than 20,000 members")),
    "a frame by path": (
        replaced("frame", '["', '["../../../../etc/'),
        invalid("frame", "\"digest\": Expected `str` matching regex '^[0-9a-f]{40}$'"),
    ),
    "a foreign column": (
        changed("", tables={"task": ["task_id", "owner"]}),
        untrusted('its rows of "task" have other columns than those that this dagscope knows'),
    ),
    "a state of another kind": (
        replaced("task", "FAILED", "<b>"),
        invalid("task", "\"status\": Invalid enum value '<b>'"),
    ),
    "a task that runs": (
        replaced("task", "SUCCESS", "IN_PROGRESS"),
        invalid("task", "\"status\": Invalid enum value 'IN_PROGRESS'"),
    ),
    "a message of the stream": (
        replaced("status_event", '"{', '"{\\n\\nevent: reset\\n'),
        untrusted('its rows of "status_event" have a "data" that is no JSON object in one line'),
    ),
    "text that is no JSON": (
        replaced("node_record", '"{', '"{{'),
        untrusted('its rows of "node_record" have a "settings" that is no JSON object in one line'),
    ),
    "rows of another task": (
        replaced("log_entry", '"monday"', '"sunday"'),
        untrusted('its rows of "log_entry" are of a task that it does not have'),
    ),
    "a position that JavaScript rounds": (
        replaced("run_event", "[", "[9"),
        invalid("run_event", '"position": Expected `int` <= 9007199254740992'),
    ),
    "rows that are not there": (
        replaced("node", '"monday"', '"sunday"'),
        untrusted("it has rows that refer to others that it does not have"),
    ),
    "other rows than counted": (
        replaced("frame", '"dataframe",7', '"dataframe",8'),
        unshown("it has 7 rows, and should have 8"),
    ),
    "shared values": (
        with_frame(pa.table({"t": SHARED})),
        unshown(f'its column "t" has a type that dagscope does not store: {SHARED.type}'),
    ),
    "compressed values": (
        with_frame(pa.table({"n": pa.array([0] * 1_000_000)}), compression="zstd"),
        unshown(TOO_FEW_BYTES),
    ),
    "endless NULLs": (with_frame(pa.table({"n": pa.nulls(10_000_000)})), unshown(TOO_FEW_BYTES)),
    "a frame that is no Arrow file": (
        replaced("frame", '"map"', '"dataframe"'),
        untrusted('its rows and its member "frames/DIGEST.arrow" do not belong together'),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, bundle: bytes, tmp_path: Path) -> None:
    """A file that is not exactly a bundle is refused before anything of it is used, in a sentence that says why."""
    make, reason = REFUSED[case]
    file = saved(tmp_path, make(bundle))
    said = dagscope_here("open", str(file))
    output = re.sub(r"[0-9a-f]{40}", "DIGEST", re.sub(r"\d{3},\d{3},\d{3}", "N", said.output))
    assert (said.exit_code, output) == (2, f"{file} cannot be opened: {reason}\n")
