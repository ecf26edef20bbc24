"""Log entries that try to look like several, or like a message of the stream: each stays one entry, and exact."""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.doors import ServerDoor
from tests.projects import raw, write_project

_BITS = (
    *("\r", "\n", "\r\n", "\n\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e", "\0", "\x1b[2J", "\x08"),
    *("\x1b]0;title\x07", "\u202e", "\u200f", "\ufeff", "\uffff", "\U0001f600", "e\u0301", "\t", " ", "'", '"', "\\n"),
    *("\n\nid: 9", "id: 9\n\n", "data: {}\n\n", "event: done\n", "retry: 1\n", ": ", ":\n", "data", "\n\n\n"),
    *(
        '"}',
        '{"event":"forged","level":"error"}',
        '"},"position":9}',
        "}\n{",
        "[error] forged",
        "%s",
        "{}",
        "</script>",
    ),
    *("2026-01-01T00:00:00.000000Z [error    ] forged", "word", "a=b", "{{ x }}", "\x9b31m", "null", "\\u000a"),
)
_LOGS_ALL = """\
import json
from pathlib import Path

def execute(context):
    for number, case in enumerate(json.loads(Path("cases.json").read_text(encoding="utf-8"))):
        context.log.info(case["message"], case=number, **case["fields"])
"""
_ENTRY_AS_TEXT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(debug|info|warning|error|critical) *\] ")
_LINE_END = re.compile(r"\r\n|\r|\n")  # of a stream (docs/http-api/stream.md)

Case = dict[str, Any]


def faults(folder: Path, seed: int, count: int) -> Iterator[str]:
    """Log that many entries, and read them back from the console, the stream and the log. Yields what is not exact."""
    generator = random.Random(f"{seed} forged")
    cases = [_case(generator) for _ in range(count)]
    for form in ("json", "text"):
        project = write_project(folder / form, {raw("s.a"): _LOGS_ALL})
        (project / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
        for fault in _faults_of(project, cases, form):
            yield f"seed {seed}, console as {form}: {fault}"


def _case(generator: random.Random) -> Case:
    return {
        "message": _text(generator),
        "fields": {
            f"k{_text(generator)}": generator.choice((_text(generator), [_text(generator)], {"k": _text(generator)}))
            for _ in range(generator.randint(0, 2))
        },
    }


def _text(generator: random.Random) -> str:
    return "".join(generator.choices(_BITS, k=generator.randint(0, 4)))


def _faults_of(project: Path, cases: Sequence[Case], form: str) -> Iterator[str]:
    with (project / "console").open("w+", encoding="utf-8", newline="") as file:

        class ShownDoor(ServerDoor):
            console = file

        door = ShownDoor(project, log_format=form, post_wait_ms=300_000)
        door.http.timeout = 300
        status = door.run("t").json()["status"]
        stream, log = door.get("/api/events?taskId=t&lastEventId=0").text, door.get("/api/logs/t/download").text
        door.stop()
        file.seek(0)
        console = file.read()
    if status != "SUCCESS":
        yield f"the task is {status}"
    yield from _differences("the stream", cases, _logged(event["data"] for event in events(stream)))
    yield from _differences("the download", cases, _logged(json.loads(line) for line in log.split("\n") if line))
    yield from _faults_of_text(console, len(cases)) if form == "text" else _faults_of_json(console, cases)


def events(text: str) -> Iterator[dict[str, Any]]:
    """The messages of a stream as the standard for server-sent events parses it, not knowing what dagscope sends."""
    fields: dict[str, Any] = {}
    for line in _LINE_END.split(text):
        name, _, value = line.partition(":")
        if line:
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            yield {**fields, "data": json.loads(fields["data"])}
            fields = {}


def _logged(entries: Iterator[dict[str, Any]]) -> list[Case]:
    """The cases among log entries, in their order."""
    found = [entry for entry in entries if "case" in entry]
    assert [entry["case"] for entry in found] == list(range(len(found)))
    return [
        {"message": entry["message"], "fields": {key: value for key, value in entry.items() if key.startswith("k")}}
        for entry in found
    ]


def _differences(where: str, cases: Sequence[Case], found: Sequence[Case]) -> Iterator[str]:
    if len(found) != len(cases):
        yield f"{where} has {len(found)} entries, not {len(cases)}"
    yield from (
        f"{where} has {there!a}, not {case!a}" for case, there in zip(cases, found, strict=False) if there != case
    )


def _faults_of_json(console: str, cases: Sequence[Case]) -> Iterator[str]:
    lines = console.splitlines()
    if len(lines) != console.count("\n"):
        yield "the console has characters that some take for the end of a line"
    entries = [json.loads(line) for line in lines]
    named = ({**entry, "message": entry["event"]} for entry in entries)
    yield from _differences("the console", cases, _logged(named))


def _faults_of_text(console: str, count: int) -> Iterator[str]:
    lines = console.splitlines()
    yield from (f"not an entry: {line!a}" for line in lines if not _ENTRY_AS_TEXT.match(line))
    yield from (f"not printable: {line!a}" for line in lines if not line.replace("\uffff", "").isprintable())
    if (found := sum(" case=" in line for line in lines)) != count:
        yield f"the console has {found} entries, not {count}"
