"""Reading a project folder: every file is checked, and all that is wrong is told at once (contract, Projects)."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dag.assets import ROOT_STAGE, Asset, DataTest, Kind
from dag.connections import ENGINES, Connection
from dag.errors import ProjectInvalid, TemplateFailed
from dag.graph import Graph
from dag.problems import Problem, did_you_mean
from dag.project import Project, hands_over_frames
from dag.project_files import ConfigFile, Materialization, ModelKeys, ProfileFile, TestKeys
from dag.relation_names import input_relation, relation
from dag.templates import (
    MODEL_NAMES,
    TEST_NAMES,
    Reference,
    Rendering,
    Template,
    split_source,
)
from dag.yaml_file import YamlDocument, read_model, read_yaml

CONFIG, PROFILE = "config.yaml", "profile.yaml"
MODELS, TESTS = "assets/models", "assets/tests"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_project(folder: Path) -> Project:
    """The project in `folder`. Reads files only: nothing is run, written or connected to.

    Raises `ProjectInvalid` with every problem found.
    """
    return _Loading(folder.resolve()).project()


@dataclass
class _Said:
    """What is said of a model, by key, and where: profile.yaml first, then its own block over it."""

    keys: dict[str, Any] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, keys: ModelKeys | TestKeys, path: str, lines: dict[str, int]) -> None:
        for key in keys.model_fields_set - {"name"}:
            self.keys[key] = getattr(keys, key)
            self.places[key] = (path, lines.get(key, 1))


class _Loading:
    """One reading of one folder; each step notes problems and goes on with what it could make of the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.connections: dict[str, Connection] = {}
        self.default_connection = ""
        self.said: dict[str, _Said] = defaultdict(_Said)
        self.assets: dict[str, Asset] = {}
        self.references: dict[str, list[Reference]] = {}
        self.tests: dict[str, DataTest] = {}
        self.made_by: dict[tuple[Kind, str], str] = {}
        self.broken: set[str] = set()
        self.input_tables: dict[tuple[str, str], str] = {}

    def project(self) -> Project:
        if not self.folder.is_dir():
            raise ProjectInvalid([Problem(str(self.folder), 0, "no such folder; name a project folder")])
        config = self._config()
        profile = self._profile()
        self._assets_and_tests()
        self._check_profiled_models_exist()
        self._check_named_tests()
        self._add_masks_of_models()
        self._check_references()
        graph = self._graph()
        if self.problems or config is None or profile is None:
            raise ProjectInvalid(self.problems)
        return Project(
            folder=self.folder,
            name=profile.name,
            module=config.module,
            cores=config.cores,
            connections=self.connections,
            assets={name: self.assets[name] for name in graph.order},
            tests=dict(sorted(self.tests.items())),
            graph=graph,
            warnings=tuple(sorted(self.warnings)),
        )

    # -- config.yaml and profile.yaml

    def _read(self, path: str) -> str | None:
        try:
            return (self.folder / path).read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        except FileNotFoundError:
            self.problems.append(Problem(path, 0, f"file not found; a project has {CONFIG}, {PROFILE} and assets/"))
        except UnicodeDecodeError as error:
            self.problems.append(
                Problem(path, 0, f"not UTF-8 text: byte {error.start} cannot be read; save it as UTF-8")
            )
        except OSError as error:
            self.problems.append(Problem(path, 0, f"cannot be read: {error.strerror}"))
        return None

    def _config(self) -> ConfigFile | None:
        text = self._read(CONFIG)
        if text is None:
            return None
        document = read_yaml(CONFIG, text)
        config = read_model(document, ConfigFile)
        if config is not None:
            for index, entry in enumerate(config.connections):
                self._connection(document, index, entry.name, entry.type, entry.config)
            if not config.connections:
                document.problem(("connections",), "no connection; a project needs one under connections")
        self.problems += document.problems
        return config

    def _connection(self, document: YamlDocument, index: int, name: str, type_: str, values: dict[str, Any]) -> None:
        place = ("connections", index)
        if name in self.connections:
            document.problem((*place, "name"), f'two connections are named "{name}"; rename one')
            return
        engine = ENGINES.get(type_)
        if engine is None:
            document.problem((*place, "type"), f'unknown connection type "{type_}"' + did_you_mean(type_, ENGINES))
            return
        lines = {at[len(place) + 1 :]: line for at, line in document.lines.items() if at[:3] == (*place, "config")}
        part = YamlDocument(document.path, values, lines or {(): document.line(place)})
        config = read_model(part, engine.Config)
        document.problems += part.problems
        if config is not None:
            self.connections[name] = engine.from_config(name, config, self.folder)

    def _profile(self) -> ProfileFile | None:
        text = self._read(PROFILE)
        if text is None:
            return None
        document = read_yaml(PROFILE, text)
        profile = read_model(document, ProfileFile)
        if profile is not None:
            self.default_connection = profile.connection
            self._check_connection(profile.connection, PROFILE, document.line(("connection",)))
            self._profiled_models(document, profile)
        self.problems += document.problems
        return profile

    def _profiled_models(self, document: YamlDocument, profile: ProfileFile) -> None:
        stages: set[str] = set()
        for stage_index, stage in enumerate(profile.models.stages):
            at = ("models", "stages", stage_index)
            if stage.name in stages:
                document.problem((*at, "name"), f'stage "{stage.name}" appears twice; merge the two')
            stages.add(stage.name)
            for model_index, model in enumerate(stage.models):
                place = (*at, "models", model_index)
                name = f"{stage.name}.{model.name}"
                if "name" in self.said[name].places:
                    document.problem((*place, "name"), f'model "{name}" appears twice; merge the two')
                    continue
                lines = {key: document.line((*place, key)) for key in model.model_fields_set}
                self.said[name].add(model, PROFILE, lines)
                self.said[name].places["name"] = (PROFILE, document.line((*place, "name")))

    def _check_connection(self, name: str, path: str, line: int) -> None:
        if name not in self.connections and not any(problem.path == CONFIG for problem in self.problems):
            message = f'unknown connection "{name}"' + did_you_mean(name, self.connections)
            self.problems.append(Problem(path, line, message))

    # -- assets/

    def _assets_and_tests(self) -> None:
        if not (self.folder / "assets").is_dir():
            message = f"folder not found; models go to {MODELS}/<stage>/<model>.sql"
            self.problems.append(Problem("assets", 0, message))
            return
        found = sorted((self.folder / MODELS).rglob("*")) if (self.folder / MODELS).is_dir() else []
        for file in found:
            if file.suffix in (".sql", ".py") and file.is_file() and "__pycache__" not in file.parts:
                self._model_file(file.relative_to(self.folder).as_posix())
        told = any(problem.path.startswith(MODELS) for problem in self.problems)
        if not self.assets and not told:
            message = f"no models; put one at {MODELS}/<stage>/<model>.sql"
            self.problems.append(Problem(MODELS, 0, message))
        for file in sorted((self.folder / TESTS).rglob("*.sql")) if (self.folder / TESTS).is_dir() else []:
            self._test_file(file.relative_to(self.folder).as_posix())

    def _model_file(self, path: str) -> None:
        parts = Path(path).with_suffix("").parts[2:]
        if len(parts) != 2:
            message = f"a model belongs in a stage's folder: {MODELS}/<stage>/<model>{Path(path).suffix}"
            self.problems.append(Problem(path, 0, message))
            return
        if not self._names_are_plain(path, parts):
            return
        name = ".".join(parts)
        if not self._is_new(name, path, "asset"):
            return
        text = self._read(path)
        if text is None:
            self.broken.add(name)
            return
        if path.endswith(".py"):
            self._raw_model(name, path, text)
        else:
            self._sql_model(name, path, text)

    def _names_are_plain(self, path: str, parts: tuple[str, ...]) -> bool:
        for part in parts:
            if not _NAME.fullmatch(part):
                message = f'"{part}" cannot be a name; use letters, digits and _, not starting with a digit'
                self.problems.append(Problem(path, 0, message))
                return False
        return True

    def _is_new(self, name: str, path: str, kind: Kind) -> bool:
        first = self.made_by.setdefault((kind, name.lower()), path)  # databases fold the case of names
        if first != path:
            self.problems.append(Problem(path, 0, f'{kind} "{name}" is already made by {first}; rename one'))
        return first == path

    def _sql_model(self, name: str, path: str, text: str) -> None:
        source = split_source(text)
        said = self._with_block(self.said[name], path, source.block, source.block_line, ModelKeys)
        if said is None:
            self.broken.add(name)
            return
        if not source.template:
            self.problems.append(Problem(path, source.template_line, "no SQL; write the model's query"))
            self.broken.add(name)
            return
        template = self._template(path, source.template, source.template_line, MODEL_NAMES)
        asset = self._asset(name, path, template, said)
        if asset.is_raw:
            where, line = said.places["materialization"]
            message = (
                f'"{name}" is SQL and cannot be raw; a raw asset is a Python file, {Path(path).with_suffix(".py")}'
            )
            self.problems.append(Problem(where, line, message))
        elif template is None:
            self.broken.add(name)
        else:
            self.references[name] = self._references_of(asset)
        self.assets[name] = asset

    def _with_block(
        self, said: _Said, path: str, block: str, line: int, model: type[ModelKeys] | type[TestKeys]
    ) -> _Said | None:
        if block:
            document = read_yaml(path, block, line)
            keys = read_model(document, model)
            self.problems += document.problems
            if keys is None:
                return None
            said.add(keys, path, {key: document.line((key,)) for key in keys.model_fields_set})
        return said

    def _template(self, path: str, source: str, line: int, names: frozenset[str]) -> Template | None:
        try:
            return Template(path, source, line, names)
        except TemplateFailed as error:
            self.problems.append(Problem(error.path, error.line, error.reason))
            return None

    def _asset(self, name: str, path: str, template: Template | None, said: _Said) -> Asset:
        keys = said.keys
        connection = self._connection_of(said)
        default = Materialization.RAW if path.endswith(".py") else Materialization.TABLE
        asset = Asset(
            name=name,
            path=path,
            connection=connection,
            connection_type=self._connection_type(connection),
            materialization=keys.get("materialization") or default,
            template=template,
            description=(keys.get("description") or "").strip(),
            is_data_framed=bool(keys.get("is_data_framed")),
            persist_inputs=bool(keys.get("persist_inputs")),
            primary_key_fields=tuple(keys.get("primary_key_fields") or ()),
            indexes=tuple(keys.get("indexes") or ()),
            tests=tuple(_full_name(name, test.name) for test in keys.get("tests") or ()),
        )
        self._check_indexes(asset, said)
        self._check_stage(asset)
        return asset

    def _connection_of(self, said: _Said) -> str:
        connection = said.keys.get("connection")
        if connection is None:
            return self.default_connection
        self._check_connection(connection, *said.places["connection"])
        return str(connection)

    def _connection_type(self, connection: str) -> str:
        return self.connections[connection].engine if connection in self.connections else ""

    def _check_stage(self, asset: Asset) -> None:
        connection = self.connections.get(asset.connection)
        if connection and not asset.path.endswith(".py") and asset.stage.lower() in connection.taken_schemas:
            message = f'stage "{asset.stage}" cannot be a schema of connection "{asset.connection}"'
            hint = "the name is the database's own; rename the stage's folder, or the database file"
            self.problems.append(Problem(asset.path, 0, f"{message}: {hint}"))

    def _check_indexes(self, asset: Asset, said: _Said) -> None:
        keyed = asset.materialization in (Materialization.TABLE, Materialization.INCREMENTAL)
        for key in ("primary_key_fields", "indexes"):
            if said.keys.get(key) and not keyed:
                message = f'"{key}" does nothing for a {asset.materialization}; it is for table and incremental'
                self.warnings.append(Problem(*said.places[key], message))
        names: set[str] = set()
        for index in asset.indexes:
            if index.name in names:
                message = f'two indexes of "{asset.name}" are named "{index.name}"; rename one'
                self.problems.append(Problem(*said.places["indexes"], message))
            names.add(index.name)

    def _raw_model(self, name: str, path: str, text: str) -> None:
        said = self.said[name]
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            self.problems.append(Problem(path, error.lineno or 1, f"not valid Python: {error.msg}"))
            self.broken.add(name)
            return
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "execute"]
        if not functions:
            message = "no function execute(context); a raw asset's file defines it at the top level"
            self.problems.append(Problem(path, 0, message))
        elif len(functions[-1].args.posonlyargs + functions[-1].args.args) != 1:
            message = "execute takes one argument: def execute(context)"
            self.problems.append(Problem(path, functions[-1].lineno, message))
        materialization = said.keys.get("materialization")
        if materialization not in (None, Materialization.RAW):
            message = f'"{name}" is a Python file and can only be raw, not {materialization}'
            self.problems.append(Problem(*said.places["materialization"], message))
        asset = self._asset(name, path, None, said)
        self.assets[name] = replace(asset, materialization=Materialization.RAW)
        _, line = said.places.get("raw_upstreams", (PROFILE, 1))
        self.references[name] = [Reference(upstream, line) for upstream in said.keys.get("raw_upstreams") or ()]

    def _references_of(self, asset: Asset) -> list[Reference]:
        """The references met while rendering, in both branches of an `IsIncremental()`."""
        assert asset.template is not None
        first = self._render(asset.template, asset, incremental=False)
        if first is None or not first.asked_incremental:
            return first.references if first else []
        second = self._render(asset.template, asset, incremental=True)
        return first.references + (second.references if second else [])

    def _render(self, template: Template, asset: Asset | None, incremental: bool) -> Rendering | None:
        this = relation(asset.name) if asset else ""
        rendering = Rendering(relation_of=str, this=this, incremental=incremental)
        try:
            template.render(rendering)
        except TemplateFailed as error:
            self.problems.append(Problem(error.path, error.line, error.reason))
            return None
        return rendering

    def _test_file(self, path: str) -> None:
        parts = Path(path).with_suffix("").parts[2:]
        if len(parts) > 2:
            message = f"a data test belongs in {TESTS}/<stage>/<test>.sql, or in {TESTS}/ to run after the whole DAG"
            self.problems.append(Problem(path, 0, message))
            return
        if not self._names_are_plain(path, parts):
            return
        name = ".".join(parts) if len(parts) == 2 else f"{ROOT_STAGE}.{parts[0]}"
        if not self._is_new(name, path, "data test"):
            return
        text = self._read(path)
        if text is None:
            self.broken.add(name)
            return
        source = split_source(text)
        said = self._with_block(_Said(), path, source.block, source.block_line, TestKeys)
        if not source.template:
            self.problems.append(
                Problem(path, source.template_line, "no SQL; write a query for the rows that are wrong")
            )
        template = self._template(path, source.template, source.template_line, TEST_NAMES)
        rendering = self._render(template, None, incremental=False) if template else None
        if said is None or template is None or rendering is None:
            self.broken.add(name)
            return
        connection = self._connection_of(said)
        self.references[f"test {name}"] = rendering.references
        self.tests[name] = DataTest(
            name=name,
            path=path,
            connection=connection,
            connection_type=self._connection_type(connection),
            template=template,
            description=(said.keys.get("description") or "").strip(),
            references=tuple(sorted({reference.asset for reference in rendering.references})),
            mask=tuple(said.keys.get("mask") or ()),
        )

    # -- what the files say of each other

    def _check_profiled_models_exist(self) -> None:
        if not (self.folder / "assets").is_dir():
            return
        for name, said in self.said.items():
            if "name" in said.places and name not in self.assets and name not in self.broken:
                message = f'model "{name}" has no file' + did_you_mean(name, self.assets)
                self.problems.append(Problem(*said.places["name"], message))

    def _add_masks_of_models(self) -> None:
        """What any model wants masked of a test is masked whoever runs it."""
        for name in self.assets:
            for entry in self.said[name].keys.get("tests") or ():
                test = self.tests.get(_full_name(name, entry.name))
                if test is not None:
                    self.tests[test.name] = replace(test, mask=tuple(dict.fromkeys([*test.mask, *entry.mask])))

    def _check_named_tests(self) -> None:
        named: set[str] = set()
        for asset in self.assets.values():
            named.update(asset.tests)
            for test in asset.tests:
                if test not in self.tests and test not in self.broken:
                    place = self.said[asset.name].places["tests"]
                    stage, _, bare = test.partition(".")
                    folder = TESTS if stage == ROOT_STAGE else f"{TESTS}/{stage}"
                    hint = did_you_mean(test, self.tests) or f"; write it at {folder}/{bare}.sql"
                    self.problems.append(Problem(*place, f'unknown data test "{test}"' + hint))
        for name, data_test in self.tests.items():
            if name not in named and not data_test.is_root:
                message = f'data test "{name}" never runs: no model names it; add it to a model\'s tests'
                self.warnings.append(Problem(data_test.path, 0, message))

    def _check_references(self) -> None:
        for name, asset in list(self.assets.items()):
            known = []
            for reference in self._known_references(asset.path, self.references.get(name, [])):
                if reference.asset == name:
                    message = f'"{name}" refers to itself; use this() for the relation as it is'
                    self.problems.append(Problem(self._reference_path(asset), reference.line, message))
                    continue
                known.append(reference)
                self._check_hand_over(asset, reference)
                self._check_input_table(asset, reference)
            self.assets[name] = replace(asset, upstreams=tuple(sorted({reference.asset for reference in known})))
        for test in self.tests.values():
            for reference in self._known_references(test.path, self.references[f"test {test.name}"]):
                self._check_test_reads(test, reference)

    def _reference_path(self, asset: Asset) -> str:
        return PROFILE if asset.is_raw else asset.path

    def _known_references(self, path: str, references: list[Reference]) -> Iterator[Reference]:
        for reference in references:
            if reference.asset in self.assets:
                yield reference
            elif reference.asset not in self.broken:
                where = PROFILE if path.endswith(".py") else path
                message = f'unknown asset "{reference.asset}"' + did_you_mean(reference.asset, self.assets)
                self.problems.append(Problem(where, reference.line, message))

    def _check_hand_over(self, asset: Asset, reference: Reference) -> None:
        """Data crosses from a raw asset, or from another connection, only as a frame."""
        upstream = self.assets[reference.asset]
        if asset.is_raw or not (upstream.is_raw or upstream.connection != asset.connection):
            return
        missing = [] if hands_over_frames(upstream) else [f'is_data_framed: true on "{upstream.name}"']
        if not asset.persist_inputs:
            missing.append(f'persist_inputs: true on "{asset.name}"')
        if missing:
            source = "is raw" if upstream.is_raw else f'is on connection "{upstream.connection}"'
            message = (
                f'"{asset.name}" (connection "{asset.connection}") cannot read "{upstream.name}", which {source}; '
                f"set {' and '.join(missing)}"
            )
            self.problems.append(Problem(asset.path, reference.line, message))

    def _check_input_table(self, asset: Asset, reference: Reference) -> None:
        """Two upstreams written beside their readers under one name would be read for one another."""
        upstream = self.assets[reference.asset]
        if asset.is_raw or not asset.persist_inputs or not hands_over_frames(upstream):
            return
        table = input_relation(upstream.name)
        first = self.input_tables.setdefault((asset.connection, table.lower()), upstream.name)
        if first != upstream.name:
            message = (
                f'"{first}" and "{upstream.name}" would both be written as {table} on connection '
                f'"{asset.connection}"; rename one'
            )
            self.problems.append(Problem(asset.path, reference.line, message))

    def _check_test_reads(self, test: DataTest, reference: Reference) -> None:
        upstream = self.assets[reference.asset]
        if upstream.is_raw:
            message = f'data test "{test.name}" cannot read "{upstream.name}", which is raw and has no relation'
        elif upstream.connection != test.connection:
            message = (
                f'data test "{test.name}" (connection "{test.connection}") cannot read "{upstream.name}", which is on '
                f'connection "{upstream.connection}"; set connection: {upstream.connection} in the test\'s block'
            )
        else:
            return
        self.problems.append(Problem(test.path, reference.line, message))

    def _graph(self) -> Graph:
        graph = Graph({name: asset.upstreams for name, asset in self.assets.items()})
        cycle = graph.cycle()
        if cycle is None:
            return graph
        asset = self.assets[cycle[1]]
        line = next(ref.line for ref in self.references[asset.name] if ref.asset == cycle[0])
        message = (
            "the assets depend on each other in a cycle: " + " -> ".join(cycle) + "; remove one of these dependencies"
        )
        self.problems.append(Problem(self._reference_path(asset), line, message))
        return Graph({})


def _full_name(asset: str, test: str) -> str:
    """A data test as a model names it, with its stage."""
    return test if "." in test else f"{asset.split('.')[0]}.{test}"
