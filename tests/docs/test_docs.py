"""The docs describe every command, option, setting, endpoint, field and term that exists, and nothing else."""

import ast
import doctest
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import get_args

import click
import graphql
import pytest
from pydantic import BaseModel

from dagscope import dag
from dagscope.cli import dagscope as dagscope_command
from dagscope.cli import dg, exits
from dagscope.dag.connections import ENGINES
from dagscope.dag.connections.duckdb.config import ExtraParam
from dagscope.dag.events.error_info import ErrorInfo
from dagscope.dag.events.events import EventKind
from dagscope.dag.events.run_events import RunEventLevel, RunEventType
from dagscope.dag.events.status import DataTestStatus, NodeState, TaskStatus
from dagscope.dag.ground.records import Record
from dagscope.dag.model import file_shapes
from dagscope.dag.model.file_shapes import Keys, Materialization
from dagscope.dag.model.templates import MODEL_NAMES
from dagscope.dag.run.raw_assets import RawContext
from dagscope.dag.run.raw_connections import RawConnection
from dagscope.server.app import API
from dagscope.server.graphql.graphql_queries import CLOUD_SCHEMA
from dagscope.server.http.endpoint import Endpoint
from dagscope.server.workspace.settings import Settings
from dagscope.storage.runs import RunStatus

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
API_PAGES = [*sorted(ROOT.glob("docs/http-api/*.md")), ROOT / "docs/run-events.md"]


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text under a heading, up to the next heading of its level or above; "" if there is no such heading."""
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if start is None:
        return ""
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)


def is_told(word: str, text: str) -> bool:
    """Whether the word is in backticks, alone or as a part, such as the option in `--port INTEGER`."""
    return any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code) for code in re.findall(r"`([^`\n]+)`", text))


# -- the command line


def commands() -> Iterator[tuple[str, click.Command]]:
    """`dagscope`, `dg` and all their commands by their full names. Groups in between only contain commands."""
    waiting: list[tuple[str, click.Command]] = [("dagscope", dagscope_command.main), ("dg", dg.main)]
    while waiting:
        name, command = waiting.pop()
        if not isinstance(command, click.Group) or name in ("dagscope", "dg"):
            yield name, command
        if isinstance(command, click.Group):
            # `dagscope plus` is `dg plus` itself
            waiting += [
                (f"{name} {part}", of_group)
                for part, of_group in command.commands.items()
                if f"{name} {part}" != "dagscope plus"
            ]


COMMANDS = dict(sorted(commands()))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_described(name: str) -> None:
    """docs/cli.md has a section for each command, with each of its options, choices and arguments."""
    text = page("docs/cli.md")
    described = text if name == "dagscope" else section(text, name)
    assert described, f"there is no section {name}"
    for parameter in COMMANDS[name].params:
        word = parameter.opts[0] if isinstance(parameter, click.Option) else (parameter.metavar or "").strip("[]")
        assert is_told(word, described), f"{name}: {word} is not described"
        if isinstance(parameter.type, click.Choice):
            for choice in parameter.type.choices:
                assert is_told(str(choice), described.replace("\\|", " ")), f"{name} {word}: {choice} is not described"


def test_no_command_is_described_that_is_not_there() -> None:
    """Each section of docs/cli.md whose heading looks like a command is about a command that exists."""
    described = re.findall(r"^## ((?:dagscope|dg)\b.*)$", page("docs/cli.md"), re.MULTILINE)
    assert set(described) <= COMMANDS.keys()


def test_every_exit_code_is_described() -> None:
    """docs/cli.md says what each exit code means."""
    codes = section(page("docs/cli.md"), "Exit codes")
    for code in (0, exits.EXIT_FAILED, exits.EXIT_USAGE, exits.EXIT_INTERRUPTED):
        assert f"| {code} |" in codes


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("dg ")])
def test_every_command_of_dg_has_an_example_and_its_exit_codes(name: str) -> None:
    """The section of each dg command starts with a call, lists the exit codes and links to docs/run-events.md."""
    described = section(page("docs/cli.md"), name)
    assert described.startswith(f"\n\n```sh\n{name}")
    for code in (0, exits.EXIT_FAILED, exits.EXIT_USAGE):
        assert f"| {code} |" in described
    assert "](run-events.md#" in described


# -- settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    """docs/settings.md has a row for each setting's environment variable, with its default."""
    variable = f"DAGSCOPE_{name.upper()}"
    row = re.search(rf"^\| `{variable}` \| ([^|]+) \| ([^|]+) \|", page("docs/settings.md"), re.MULTILINE)
    assert row, f"{variable} is not described"
    default = Settings.model_fields[name].default
    assert row[1].strip() == str(default).lower() or default in (None, ())


def test_no_setting_is_described_that_is_not_there() -> None:
    """Every `DAGSCOPE_` variable in the docs is a setting."""
    known = {f"DAGSCOPE_{name.upper()}" for name in Settings.model_fields}
    for example in ("crossdb", "lake"):
        known |= set(re.findall(r"DAGSCOPE_[A-Z]+_[A-Z]+", page(f"examples/{example}/config.yaml")))
    for path in PAGES:
        assert set(re.findall(r"\bDAGSCOPE_[A-Z_]+", path.read_text(encoding="utf-8"))) <= known, path


# -- the HTTP API


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.title, rest))


def heading(endpoint: Endpoint) -> str:
    """The heading of an endpoint: `GET /api/dag/status/{taskId}`."""
    path = re.sub(r"\{(\w+)(?::path)?\}", lambda parameter: f"{{{camel(parameter[1])}}}", endpoint.path)
    return f"{endpoint.method} {path}"


def page_of(endpoint: Endpoint) -> Path:
    """The page with the endpoint's section."""
    found = [path for path in API_PAGES if section(path.read_text(encoding="utf-8"), heading(endpoint))]
    assert len(found) == 1, f"{len(found)} sections {heading(endpoint)}"
    return found[0]


@pytest.mark.parametrize("endpoint", API, ids=heading)
def test_every_endpoint_is_described(endpoint: Endpoint) -> None:
    """docs/http-api has one section for each endpoint, with each of its query parameters and status codes."""
    described = section(page_of(endpoint).read_text(encoding="utf-8"), heading(endpoint))
    for query in endpoint.queries:
        assert f"| `{query.name}` |" in described, f"{query.name} is not described"
    for code in endpoint.responses:
        assert re.search(rf"\b{code}\b", described), f"{code} is not described"


def test_no_endpoint_is_described_that_is_not_there() -> None:
    """Each heading of docs/http-api that is a method and a path is an endpoint."""
    titles = [title for path in API_PAGES for title in anchors(path.read_text(encoding="utf-8")).values()]
    described = [title for title in titles if re.match(r"(GET|POST|PUT|PATCH|DELETE) ", title)]
    assert sorted(described) == sorted([*map(heading, API), "GET /openapi.json", "GET /api", "GET /"])


@pytest.mark.parametrize("endpoint", [*map(heading, API), "GET /openapi.json", "GET /api", "GET /"])
def test_every_endpoint_is_listed(endpoint: str) -> None:
    """The table of docs/http-api/index.md has a row for each endpoint."""
    assert f"\n| [{endpoint}](" in section(page("docs/http-api/index.md"), "Endpoints")


def shapes(endpoint: Endpoint) -> Iterator[type[BaseModel]]:
    """Every shape of the endpoint's request and answers, including nested ones."""
    waiting: list[object] = [endpoint.request, *endpoint.responses.values()]
    seen: set[object] = set()
    while waiting:
        part = waiting.pop()
        if part in seen:
            continue
        seen.add(part)
        waiting += get_args(part)
        if isinstance(part, type) and issubclass(part, Record):
            waiting.append(part.shape())
        if isinstance(part, type) and issubclass(part, BaseModel):
            waiting += [info.annotation for info in part.model_fields.values()]
            yield part


def sections_about(endpoint: Endpoint) -> Iterator[str]:
    """The endpoint's section and the sections that it links to, directly or indirectly, except other endpoints'."""
    waiting = [(page_of(endpoint), heading(endpoint))]
    seen = {*waiting}
    while waiting:
        path, title = waiting.pop()
        text = section(path.read_text(encoding="utf-8"), title)
        yield text
        for name, anchor in re.findall(r"\]\(([^)\s#]*)#([\w-]+)\)", text):
            linked = (path.parent / name).resolve() if name else path
            if linked not in API_PAGES:
                continue
            place = (linked, anchors(linked.read_text(encoding="utf-8"))[anchor])
            if place not in seen and place[1] not in map(heading, API):
                seen.add(place)
                waiting.append(place)


def field_tables(text: str) -> Iterator[set[str]]:
    """The fields that each table describes. Fields after a dot, as in `result.data`, are a separate object."""
    for rows in re.findall(r"^\| Field \| .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        fields: dict[str, set[str]] = {}
        for cell in re.findall(r"^\| (.*?) \|", rows, re.MULTILINE):
            for word in re.findall(r"`([\w.]+)`", cell):
                parent, _, name = word.rpartition(".")
                fields.setdefault(parent, set()).add(name)
        yield from fields.values()


@pytest.mark.parametrize("endpoint", API, ids=heading)
def test_every_field_is_described(endpoint: Endpoint) -> None:
    """An endpoint's section, or one it links to, has a table with all fields of each shape it accepts or returns."""
    tables = [table for text in sections_about(endpoint) for table in field_tables(text)]
    for shape in shapes(endpoint):
        shown = {field: info for field, info in shape.model_fields.items() if not info.exclude}
        names = {info.serialization_alias or info.alias or field for field, info in shown.items()}
        missing = min((names - table for table in tables), key=len, default=names)
        assert not missing, f"{shape.__name__}: {sorted(missing)} not described"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 413, 415, 431, 500, 503, 504])
def test_every_error_code_is_described(code: int) -> None:
    """docs/http-api/index.md has a row for each error code that any path can return."""
    assert re.search(rf"^\| {code} \|", section(page("docs/http-api/index.md"), "Errors"), re.MULTILINE)


def test_the_error_of_a_step_is_described() -> None:
    """docs/http-api/stream.md has a row for each field of a failed step's error."""
    described = section(page("docs/http-api/stream.md"), "Error of a step")
    for field in ErrorInfo.__struct_encode_fields__:
        assert re.search(rf"^\| `{field}` \|", described, re.MULTILINE), field


@pytest.mark.parametrize("status", RunStatus)
def test_every_status_of_a_run_is_described(status: RunStatus) -> None:
    """docs/run-events.md names each status that a run can have."""
    assert is_told(status, section(page("docs/run-events.md"), "POST /dagster/graphql"))


def test_the_graphql_schema_is_shown_whole() -> None:
    """The schema in docs/run-events.md has exactly the types, fields and arguments of /graphql."""
    shown = re.search(r"^```graphql\n(.*?)^```", page("docs/run-events.md"), re.MULTILINE | re.DOTALL)
    assert shown
    assert definitions(shown[1] + "enum LogLevel { X }") == definitions(CLOUD_SCHEMA.as_str())


def definitions(schema: str) -> dict[str, object]:
    """The types of a schema: an object's fields with their types and arguments, a union's members."""
    found: dict[str, object] = {}
    for definition in graphql.parse(schema).definitions:
        if isinstance(definition, graphql.ObjectTypeDefinitionNode):
            found[definition.name.value] = {
                field.name.value: (
                    graphql.print_ast(field.type),
                    {argument.name.value: graphql.print_ast(argument.type) for argument in field.arguments or ()},
                )
                for field in definition.fields or ()
            }
        elif isinstance(definition, graphql.UnionTypeDefinitionNode):
            found[definition.name.value] = {member.name.value for member in definition.types or ()}
    return found


@pytest.mark.parametrize("kind", [*EventKind, "snapshot", "reset", "done"])
def test_every_message_of_the_stream_is_described(kind: str) -> None:
    """docs/http-api/stream.md has a row for each kind of message."""
    assert re.search(rf"^\| `{kind}` \|", section(page("docs/http-api/stream.md"), "GET /api/events"), re.MULTILINE)


@pytest.mark.parametrize("type_", RunEventType)
def test_every_run_event_type_is_described(type_: RunEventType) -> None:
    """docs/http-api/stream.md has a row for each type of run event."""
    assert re.search(rf"^\| `{type_}` \|", section(page("docs/http-api/stream.md"), "Run events"), re.MULTILINE)


@pytest.mark.parametrize("level", RunEventLevel)
def test_every_run_event_level_is_described(level: RunEventLevel) -> None:
    """docs/http-api/stream.md names each level of a run event."""
    assert is_told(level, section(page("docs/http-api/stream.md"), "Run events"))


@pytest.mark.parametrize("state", [*NodeState, *TaskStatus, *DataTestStatus])
def test_every_state_is_described(state: StrEnum) -> None:
    """docs/http-api/index.md has a row for each state of a node, task and data test."""
    assert re.search(rf"^\| `{state}` \|", section(page("docs/http-api/index.md"), "States"), re.MULTILINE)


# -- the glossary

ENUMERATIONS = (
    NodeState,
    TaskStatus,
    DataTestStatus,
    Materialization,
    EventKind,
    RunEventType,
    RunEventLevel,
    RunStatus,
)


@pytest.mark.parametrize("enumeration", ENUMERATIONS, ids=lambda enumeration: enumeration.__name__)
def test_glossary_has_every_enumeration(enumeration: type[StrEnum]) -> None:
    """docs/glossary.md lists exactly the values of each enumeration."""
    row = re.search(rf"^\| \[`{enumeration.__name__}`\]\([^)]+\) \| (.*) \|$", page("docs/glossary.md"), re.MULTILINE)
    assert row, f"{enumeration.__name__} is not in the glossary"
    assert re.findall(r"`(\w+)`", row[1]) == [str(member) for member in enumeration]


def test_glossary_lists_no_other_enumeration() -> None:
    """Each enumeration of docs/glossary.md is one of the code's."""
    listed = re.findall(r"^\| \[`(\w+)`\]", page("docs/glossary.md"), re.MULTILINE)
    assert listed == [enumeration.__name__ for enumeration in ENUMERATIONS]


def test_glossary_is_in_order() -> None:
    """The terms of docs/glossary.md are unique and in alphabetical order."""
    words = [word.lower() for word in re.findall(r"^\| \*\*(.+?)\*\*", page("docs/glossary.md"), re.MULTILINE)]
    assert words == sorted(set(words))


# -- the project format

FILE_SHAPES: tuple[type[Keys], ...] = (
    *(shape for shape in vars(file_shapes).values() if isinstance(shape, type) and issubclass(shape, Keys)),
    *(engine.Config for engine in ENGINES.values()),
    ExtraParam,
)


@pytest.mark.parametrize("shape", FILE_SHAPES, ids=lambda shape: shape.__name__)
def test_every_key_of_a_project_is_described(shape: type[Keys]) -> None:
    """docs/project-format.md describes each key of each file, and docs/connections.md the keys of each engine."""
    text = without_code(page("docs/project-format.md") + page("docs/connections.md"))
    for name, info in shape.model_fields.items():
        assert is_told(info.alias or name, text), f"{shape.__name__}.{name} is not described"


@pytest.mark.parametrize("materialization", Materialization)
def test_every_materialization_is_described(materialization: Materialization) -> None:
    """docs/project-format.md has a row for each materialization."""
    described = section(page("docs/project-format.md"), "Materializations")
    assert re.search(rf"^\| `{materialization}` \|", described, re.MULTILINE)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_is_described(engine: str) -> None:
    """docs/project-format.md names each type of connection."""
    assert is_told(engine, section(page("docs/project-format.md"), "config.yaml"))


JINJAS_OWN = frozenset("range dict lipsum cycler joiner namespace".split())


@pytest.mark.parametrize("name", sorted(MODEL_NAMES - JINJAS_OWN))
def test_every_template_name_is_described(name: str) -> None:
    """docs/project-format.md describes each name that a template can use."""
    assert is_told(name, section(page("docs/project-format.md"), "Templates"))


def test_the_raw_context_is_described() -> None:
    """docs/project-format.md describes each attribute of a raw asset's context and each method of its connections."""
    described = section(page("docs/project-format.md"), "Raw assets")
    methods = [name for name in vars(RawConnection) if not name.startswith("_")]
    for name in [*(field.name for field in fields(RawContext)), *methods]:
        assert re.search(rf"^\| `{name}\b", described, re.MULTILINE), f"{name} is not described"


def documented_project() -> dict[str, str]:
    """The files of the project that docs/project-format.md shows, by path."""
    shown = section(page("docs/project-format.md"), "A whole project")
    return dict(re.findall(r"^`([\w./-]+)`\n\n```\w+\n(.*?)^```", shown, re.MULTILINE | re.DOTALL))


@pytest.mark.server
def test_the_documented_project_runs(tmp_path: Path) -> None:
    """The project of docs/project-format.md passes `check` without a warning and produces the table shown there."""
    for path, text in documented_project().items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    found = json.loads(dagscope("check", "--project", str(tmp_path), "--json"))
    assert (found["problems"], found["warnings"]) == ([], [])
    printed = dagscope("run", "--project", str(tmp_path))
    assert summary_table(printed) == summary_table(page("docs/project-format.md"))
    assert len(summary_table(printed)) == 7


def dagscope(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("dagscope")), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def summary_table(text: str) -> list[list[str]]:
    """The rows of the summary table in a text, without their times, which differ."""
    lines = text.partition("asset                  state")[2].splitlines()[1:]
    return [
        [cell for cell in line.split() if not re.fullmatch(r"\d+\.\d\ds", cell)]
        for line in lines
        if re.match(r"\S+( tests)? +SUCCESS ", line)
    ]


# -- all pages


def anchors(text: str) -> dict[str, str]:
    """The headings of a page by their anchors, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-"): title for title in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """Every relative link of a page points to an existing file, and to an existing heading in it."""
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        assert target.exists(), f"{link}: no such file"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_architecture_names_what_is_there() -> None:
    """Each `file.py:name` of docs/architecture.md is a function or class of that file, and each file exists."""
    named = re.findall(r"`([\w/]+\.py)(?::(\w+))?`", page("docs/architecture.md"))
    assert len(named) > 20
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        made = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)}
        assert not name or name in made, f"{file} has no {name}"


def test_the_picture_shows_nothing_but_the_demo() -> None:
    """docs/demo.svg loads nothing from other hosts, and names no folder of the machine that created it."""
    picture = page("docs/demo.svg")
    hosts = set(re.findall(r"https?://([^/\"'<&]+)", picture))
    assert hosts == {"www.w3.org", "127.0.0.1:8080"}
    assert "@font-face" not in picture
    assert not re.search(r"/(tmp|home|root|work|Users)/", picture)


def modules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(dag.__path__, "dagscope.dag.")]


def test_examples_in_docstrings_hold() -> None:
    """The examples in the docstrings of `dag/` are correct."""
    results = [doctest.testmod(importlib.import_module(name)) for name in modules()]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0


def test_changelog_begins_with_this_version() -> None:
    """The changelog's top entry is the version in pyproject.toml."""
    version = tomllib.loads(page("pyproject.toml"))["project"]["version"]
    top = re.search(r"^## \[(.+?)\]", page("CHANGELOG.md"), re.MULTILINE)
    assert top
    assert top[1] == version
