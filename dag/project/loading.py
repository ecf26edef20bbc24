"""Reading a project folder: every file is checked, and all problems are reported at once (contract, Projects).

`dagscope.dag.project.project_checks` checks what the files say about each other.
"""

import os
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagscope.dag.connections import ENGINES, Connection, engine_of, known_engines
from dagscope.dag.connections.sealed import SealedConnection
from dagscope.dag.ground.errors import EngineUnusable, ProjectInvalid, TemplateFailed
from dagscope.dag.ground.problems import Problem, did_you_mean
from dagscope.dag.model.assets import ROOT_STAGE, Asset, DataTest, Kind
from dagscope.dag.model.capture import Capture
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.file_shapes import (
    ConfigFile,
    Keys,
    Materialization,
    ModelBlock,
    ProfileFile,
    TestEntry,
    TestKeys,
)
from dagscope.dag.model.template_meter import Meter
from dagscope.dag.model.templates import (
    MODEL_NAMES,
    TEST_NAMES,
    NamedEnvironment,
    Reference,
    Rendering,
    SourceFile,
    Template,
    split_source,
)
from dagscope.dag.project.files_read import CONFIG, LIBRARY, MODELS, PROFILE, TESTS, FilesRead, Said, full_name
from dagscope.dag.project.loading_limits import LoadingEnded, LoadingLimits, TotalTime
from dagscope.dag.project.project import Project
from dagscope.dag.project.project_checks import ProjectChecks
from dagscope.dag.project.project_files import PYTHON, SQL, GivenFiles, ProjectFiles, is_python, shown_path
from dagscope.dag.project.python_files import PythonFile
from dagscope.dag.project.yaml_file import Place, YamlDocument, read_model, read_yaml

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


_NO_LIMITS_GIVEN = LoadingLimits()
_UNLIMITED = LoadingLimits(file_bytes=2**63, file_s=1e9, total_s=1e9)


def load_project(folder: Path, limits: LoadingLimits = _NO_LIMITS_GIVEN) -> Project:
    """The project in `folder`. Only reads files: runs nothing, writes nothing and connects to nothing.

    Raises only `ProjectInvalid`, with every problem found; ends within the limits.
    """
    try:
        folder = folder.resolve()
        is_there = folder.is_dir()
    except (OSError, RuntimeError) as error:  # RuntimeError: links that point to each other
        reason = error.strerror if isinstance(error, OSError) else "a link that points to itself"
        raise ProjectInvalid([Problem(shown_path(str(folder)), 0, f"cannot be read: {reason}")]) from error
    if not is_there:
        raise ProjectInvalid([Problem(shown_path(str(folder)), 0, "no such folder; give the path of a project folder")])
    return _Loading(folder, limits).project()


def load_bundled(folder: Path, limits: LoadingLimits = _NO_LIMITS_GIVEN) -> Project:
    """The project of a bundle in `folder`: with sealed connections, and without the variables of the environment.

    Raises only `ProjectInvalid`, with every problem found; ends within the limits.
    """
    return _Loading(folder, limits, is_of_bundle=True).project()


def load_again(folder: Path, files: Mapping[str, str]) -> Project:
    """The project that was loaded from these texts before (`Project.files`), without limits and the files on disk.

    Raises `ProjectInvalid` where the environment has changed so that it is no longer valid.
    """
    return _Loading(folder, _UNLIMITED, files).project()


class _Loading:
    """One reading of one folder; each step records problems and continues with what it could read."""

    def __init__(
        self,
        folder: Path,
        limits: LoadingLimits,
        given: Mapping[str, str] | None = None,
        is_of_bundle: bool = False,
    ) -> None:
        self.folder, self.limits, self.is_of_bundle = folder, limits, is_of_bundle
        self.environment: Mapping[str, str] = NamedEnvironment() if is_of_bundle else os.environ
        self.files = FilesRead()
        self.time = TotalTime(limits)
        self.on_disk = (
            ProjectFiles(folder, limits, self.files.problems, self.time.check)
            if given is None
            else GivenFiles(folder, limits, self.files.problems, self.time.check, given)
        )
        self.connections: dict[str, Connection] = {}
        self.taken_schemas: dict[str, frozenset[str]] = {}
        self.default_connection = ""
        self.capture: str | None = None
        self.stage_captures: dict[str, str | None] = {}
        self.made_by: dict[tuple[Kind, str], str] = {}
        self.stages: dict[str, str] = {}
        self.stages_in_other_letters: set[str] = set()
        self.test_entries: defaultdict[str, list[tuple[TestEntry, str, int]]] = defaultdict(list)

    def project(self) -> Project:
        try:
            config = self._config()
            profile = self._profile()
            self._assets_and_tests()
        except LoadingEnded as error:
            raise ProjectInvalid([*self.files.problems, Problem("assets", 0, str(error))]) from error
        graph = ProjectChecks(self.files, {name: made.dialect for name, made in self.connections.items()}).graph()
        if self.files.problems or config is None or profile is None:
            raise ProjectInvalid(self.files.problems)
        return Project(
            folder=self.folder,
            name=profile.name,
            module=config.module,
            cores=config.cores or None,
            connections=self.connections,
            assets={name: self.files.assets[name] for name in graph.order},
            tests=dict(sorted(self.files.tests.items())),
            graph=graph,
            warnings=tuple(sorted(self.files.warnings)),
            files=self.on_disk.texts,
            is_of_bundle=self.is_of_bundle,
        )

    # -- config.yaml and profile.yaml

    def _read(self, path: str) -> str | None:
        return self.on_disk.read(path, f"file not found; a project has {CONFIG}, {PROFILE} and assets/")

    def _config(self) -> ConfigFile | None:
        text = self._read(CONFIG)
        if text is None:
            return None
        document = read_yaml(CONFIG, text)
        config = read_model(document, ConfigFile)
        if config is not None:
            self.capture = config.capture
            for index, entry in enumerate(config.connections):
                self._connection(document, index, entry.name, entry.type, entry.config)
            if not config.connections:
                document.problem(("connections",), "no connection; a project needs one under connections")
        self.files.problems += document.problems
        return config

    def _connection(self, document: YamlDocument, index: int, name: str, type_: str, values: dict[str, Any]) -> None:
        place = ("connections", index)
        if name in self.connections:
            document.problem((*place, "name"), f'two connections are named "{name}"; rename one')
            return
        try:
            engine = engine_of(type_)
        except EngineUnusable as error:
            document.problem((*place, "type"), str(error))
            return
        if engine is None:
            hint = did_you_mean(type_, known_engines())
            document.problem((*place, "type"), f'unknown connection type "{type_}"{hint}')
            return
        if self.is_of_bundle:
            self.connections[name] = SealedConnection(name, engine)
            return
        lines = {at[len(place) + 1 :]: line for at, line in document.lines.items() if at[:3] == (*place, "config")}
        values = self._without_keys_of_others(document, (*place, "config"), engine, values)
        part = YamlDocument(document.path, values, lines or {(): document.line(place)})
        config = read_model(part, engine.Config)
        document.problems += part.problems
        if config is not None:
            self.connections[name] = connection = engine.from_config(name, config, self.folder)
            self.taken_schemas[name] = connection.taken_schemas

    def _without_keys_of_others(
        self, document: YamlDocument, place: Place, engine: type[Connection], values: dict[str, Any]
    ) -> dict[str, Any]:
        """The values without keys that only connections of another type have; each of those is a warning."""
        own = _keys_of(engine.Config)
        engines = reversed(ENGINES.values())  # of several that have a key, the first one is named
        others = {key: other.engine for other in engines for key in _keys_of(other.Config) - own}
        for key in values.keys() & others.keys():
            message = f'"{key}" does nothing for a connection of type {engine.engine}; it is a key of {others[key]}'
            self.files.warnings.append(Problem(document.path, document.line((*place, key)), message))
        return {key: value for key, value in values.items() if key not in others}

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
        self.files.problems += document.problems
        return profile

    def _profiled_models(self, document: YamlDocument, profile: ProfileFile) -> None:
        stages: set[str] = set()
        for stage_index, stage in enumerate(profile.models.stages):
            at = ("models", "stages", stage_index)
            if stage.name in stages:
                document.problem((*at, "name"), f'stage "{stage.name}" appears twice; merge the two')
            stages.add(stage.name)
            self.stage_captures[stage.name] = stage.capture
            for model_index, model in enumerate(stage.models):
                place = (*at, "models", model_index)
                name = f"{stage.name}.{model.name.removeprefix(f'{stage.name}.')}"
                if "name" in self.files.said[name].places:
                    document.problem((*place, "name"), f'model "{name}" appears twice; merge the two')
                    continue
                lines = {key: document.line((*place, key)) for key in model.model_fields_set}
                self.files.said[name].add(model, PROFILE, lines)
                self.files.said[name].places["name"] = (PROFILE, document.line((*place, "name")))

    def _check_connection(self, name: str, path: str, line: int) -> None:
        if name not in self.connections and not any(problem.path == CONFIG for problem in self.files.problems):
            message = f'unknown connection "{name}"' + did_you_mean(name, self.connections)
            self.files.problems.append(Problem(path, line, message))

    # -- assets/

    def _assets_and_tests(self) -> None:
        self.files.has_assets_folder = self.on_disk.is_folder("assets")
        if not self.files.has_assets_folder:
            message = f"folder not found; models go in {MODELS}/<stage>/<model>.sql"
            self.files.problems.append(Problem("assets", 0, message))
            return
        for path in self.on_disk.find(MODELS, (SQL, PYTHON)):
            self.time.check()
            self._model_file(path)
        for path in self.on_disk.find(LIBRARY, (PYTHON,)):
            self.time.check()
            self._module_file(path)
        has_reason = self.files.modules or any(problem.path.startswith(MODELS) for problem in self.files.problems)
        if not self.files.assets and not has_reason:
            message = f"no models; put one at {MODELS}/<stage>/<model>.sql"
            self.files.problems.append(Problem(MODELS, 0, message))
        for name, said in self.files.said.items():
            for entry, path, line in said.test_entries:
                self.test_entries[full_name(name, entry.name)].append((entry, path, line))
        for path in self.on_disk.find(TESTS, (SQL,)):
            self.time.check()
            self._test_file(path)

    def _model_file(self, path: str) -> None:
        parts = _names(path)
        if len(parts) <= 2 and is_python(path) and parts[-1] == "__init__":
            self._module_file(path)
            return
        if len(parts) != 2:
            of_python = f"{PYTHON}, and shared Python in {LIBRARY}/"
            suffix = of_python if is_python(path) else SQL
            self.on_disk.refuse(path, f"a model belongs in a stage's folder: {MODELS}/<stage>/<model>{suffix}")
            return
        if not self._names_are_plain(path, parts) or not self._is_one_stage(parts[0]):
            return
        name = ".".join(parts)
        if not self._is_new(name, path, "asset"):
            return
        text = self._read(path)
        if text is None:
            self.files.broken.add(name)
            return
        if is_python(path):
            self._raw_model(name, path, text)
        else:
            self._sql_model(name, path, text)

    def _module_file(self, path: str) -> None:
        """A Python file that is no raw asset; what it imports is in use."""
        text = self._read(path)
        if text is not None:
            self.files.problems += self._python_file(path, text).problems

    def _names_are_plain(self, path: str, parts: tuple[str, ...]) -> bool:
        for part in parts:
            if not _NAME.fullmatch(part):
                message = f'"{shown_path(part)}" cannot be a name; use letters, digits and _, not starting with a digit'
                self.on_disk.refuse(path, message)
                return False
        return True

    def _is_one_stage(self, stage: str) -> bool:
        """Whether no other stage's name differs only in case; each such stage is reported once."""
        first = self.stages.setdefault(stage.lower(), stage)  # databases fold the case of names
        if first != stage and stage not in self.stages_in_other_letters:
            self.stages_in_other_letters.add(stage)
            message = f'stage "{stage}" differs from "{first}" only in case, which databases ignore; rename one'
            self.on_disk.refuse(f"{MODELS}/{stage}", message)
        return first == stage

    def _is_new(self, name: str, path: str, kind: Kind) -> bool:
        first = self.made_by.setdefault((kind, name.lower()), path)  # databases fold the case of names
        if first != path:
            self.files.problems.append(Problem(path, 0, f'{kind} "{name}" is already defined by {first}; rename one'))
        return first == path

    def _sql_model(self, name: str, path: str, text: str) -> None:
        source = split_source(text)
        said = self._with_block(self.files.said[name], path, source, ModelBlock)
        if said is None:
            self.files.broken.add(name)
            return
        if not source.template:
            self.files.problems.append(Problem(path, source.template_line, "no SQL; write the model's query"))
            self.files.broken.add(name)
            return
        template = self._template(path, source.template, source.template_line, MODEL_NAMES)
        asset = self._asset(name, path, template, said)
        if asset.is_raw:
            where, line = said.places["materialization"]
            message = (
                f'"{name}" is SQL and cannot be raw; a raw asset is a Python file, {Path(path).with_suffix(".py")}'
            )
            self.files.problems.append(Problem(where, line, message))
        elif template is None:
            self.files.broken.add(name)
        else:
            self.files.references[name] = self._references_of(asset)
        self.files.assets[name] = asset

    def _with_block(
        self, said: Said, path: str, source: SourceFile, model: type[ModelBlock] | type[TestKeys]
    ) -> Said | None:
        if source.block:
            document = read_yaml(path, source.block, source.block_line)
            keys = read_model(document, model)
            self.files.problems += document.problems
            if keys is None:
                return None
            lines = {key: document.line((key,)) for key in keys.model_fields_set}
            self.files.warnings += said.add(keys, path, lines)
            self._check_name(keys.name, path, lines)
        return said

    def _meter(self) -> Meter:
        return Meter(self.limits.file_s)

    def _check_name(self, name: str | None, path: str, lines: dict[str, int]) -> None:
        """A name in a block that is not the file's would mislead."""
        parts = _names(path)
        if name is not None and name not in (parts[-1], ".".join(parts)):
            message = f'"name" is "{name}" here, but the file is named {parts[-1]}, which counts; delete the key'
            self.files.warnings.append(Problem(path, lines["name"], message))

    def _template(self, path: str, source: str, line: int, names: frozenset[str]) -> Template | None:
        try:
            return Template(path, source, line, names, self.environment)
        except TemplateFailed as error:
            self.files.problems.append(Problem(error.path, error.line, error.reason))
            return None

    def _asset(self, name: str, path: str, template: Template | None, said: Said) -> Asset:
        keys = said.keys
        connection = self._connection_of(said)
        default = Materialization.RAW if is_python(path) else Materialization.TABLE
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
            tests=tuple(full_name(name, test.name) for test in keys.get("tests") or ()),
            capture=self._capture_of(name, said),
        )
        self._check_indexes(asset, said)
        self._check_stage(asset)
        return asset

    def _capture_of(self, name: str, said: Said) -> Capture | None:
        """What is said of the model, else of its stage, else of the project."""
        stage = name.partition(".")[0]
        text = said.keys.get("capture") or self.stage_captures.get(stage) or self.capture
        return Capture.parse(text) if text is not None else None

    def _connection_of(self, said: Said) -> str:
        connection = said.keys.get("connection")
        if connection is None:
            return self.default_connection
        self._check_connection(connection, *said.places["connection"])
        return str(connection)

    def _connection_type(self, connection: str) -> str:
        return self.connections[connection].engine if connection in self.connections else ""

    def _has_keys(self, connection: str) -> bool:
        return connection not in self.connections or self.connections[connection].has_keys

    def _check_stage(self, asset: Asset) -> None:
        taken = self.taken_schemas.get(asset.connection, frozenset())
        if asset.stage.lower() in taken and not is_python(asset.path):
            message = f'stage "{asset.stage}" cannot be a schema of connection "{asset.connection}"'
            hint = "the database uses this name itself; rename the stage's folder, or the database file"
            self.files.problems.append(Problem(asset.path, 0, f"{message}: {hint}"))

    def _check_indexes(self, asset: Asset, said: Said) -> None:
        keyed = asset.materialization in (Materialization.TABLE, Materialization.INCREMENTAL)
        for key in ("primary_key_fields", "indexes"):
            if said.keys.get(key) and not keyed:
                message = f'"{key}" has no effect on a {asset.materialization}; it applies to table and incremental'
                self.files.warnings.append(Problem(*said.places[key], message))
            elif said.keys.get(key) and not self._has_keys(asset.connection):
                message = f'tables of connection "{asset.connection}" ({asset.connection_type}) cannot have "{key}"'
                self.files.problems.append(Problem(*said.places[key], f"{message}; use a data test instead"))
        names: set[str] = set()
        for index in asset.indexes:
            if index.name in names:
                message = f'two indexes of "{asset.name}" are named "{index.name}"; rename one'
                self.files.problems.append(Problem(*said.places["indexes"], message))
            names.add(index.name)

    def _raw_model(self, name: str, path: str, text: str) -> None:
        said = self.files.said[name]
        file = self._python_file(path, text)
        has_execute = file.check_execute()
        self.files.problems += file.problems
        if not has_execute:
            if file.problems:
                self.files.broken.add(name)
            else:
                self.files.modules[name] = path
            return
        materialization = said.keys.get("materialization")
        if materialization not in (None, Materialization.RAW):
            message = f'"{name}" is a Python file and can only be raw, not {materialization}'
            self.files.problems.append(Problem(*said.places["materialization"], message))
        asset = self._asset(name, path, None, said)
        self.files.assets[name] = replace(asset, materialization=Materialization.RAW)
        _, line = said.places.get("raw_upstreams", (PROFILE, 1))
        self.files.references[name] = [Reference(upstream, line) for upstream in said.keys.get("raw_upstreams") or ()]

    def _python_file(self, path: str, text: str) -> PythonFile:
        file = PythonFile(path, text)
        self.files.imported.update(file.imports())
        return file

    def _references_of(self, asset: Asset) -> list[Reference]:
        """The references evaluated while rendering, in both branches of an `IsIncremental()`."""
        assert asset.template is not None
        meter = self._meter()
        first = self._render(asset.template, asset, meter, incremental=False)
        if first is None or not first.asked_incremental:
            return first.references if first else []
        second = self._render(asset.template, asset, meter, incremental=True)
        return first.references + (second.references if second else [])

    def _render(self, template: Template, asset: Asset | None, meter: Meter, incremental: bool) -> Rendering | None:
        dialect = Dialect()  # only the references are used, not the SQL
        this = dialect.relation(asset.name) if asset else ""
        rendering = Rendering(relation_of=str, dialect=dialect, this=this, incremental=incremental, meter=meter)
        is_query = asset is None or asset.materialization is not Materialization.CUSTOM
        try:
            template.render_query(rendering) if is_query else template.render(rendering)
        except TemplateFailed as error:
            self.files.problems.append(Problem(error.path, error.line, error.reason))
            return None
        return rendering

    def _said_of_test(self, name: str, path: str, source: SourceFile) -> Said | None:
        """What profile.yaml says of a data test where models name it, then its own block, then the models' blocks."""
        entries = self.test_entries.get(name, [])
        said = Said()
        for entry, where, line in entries:
            if where == PROFILE:
                self._add_entry(said, entry, where, line)
        if self._with_block(said, path, source, TestKeys) is None:
            return None
        for entry, where, line in entries:
            if where != PROFILE:
                self._add_entry(said, entry, where, line)
        masks = [column for entry, _, _ in entries for column in entry.mask]
        said.keys["mask"] = list(dict.fromkeys([*said.keys.get("mask", ()), *masks]))
        return said

    def _add_entry(self, said: Said, entry: TestEntry, path: str, line: int) -> None:
        lines = dict.fromkeys(("description", "connection"), line)
        keys = entry.model_dump(include={"description", "connection"}, exclude_unset=True)
        self.files.warnings += said.add(TestKeys(**keys), path, lines)

    def _test_file(self, path: str) -> None:
        parts = _names(path)
        if len(parts) > 2:
            message = f"a data test belongs in {TESTS}/<stage>/<test>.sql, or in {TESTS}/ to run after the whole DAG"
            self.on_disk.refuse(path, message)
            return
        if not self._names_are_plain(path, parts):
            return
        name = ".".join(parts) if len(parts) == 2 else f"{ROOT_STAGE}.{parts[0]}"
        if not self._is_new(name, path, "data test"):
            return
        text = self._read(path)
        if text is None:
            self.files.broken.add(name)
            return
        source = split_source(text)
        said = self._said_of_test(name, path, source)
        if not source.template:
            self.files.problems.append(
                Problem(path, source.template_line, "no SQL; write a query for the rows that are wrong")
            )
            self.files.broken.add(name)
            return
        template = self._template(path, source.template, source.template_line, TEST_NAMES)
        rendering = self._render(template, None, self._meter(), incremental=False) if template else None
        if said is None or template is None or rendering is None:
            self.files.broken.add(name)
            return
        connection = self._connection_of(said)
        self.files.references[f"test {name}"] = rendering.references
        self.files.tests[name] = DataTest(
            name=name,
            path=path,
            connection=connection,
            connection_type=self._connection_type(connection),
            template=template,
            description=(said.keys.get("description") or "").strip(),
            references=tuple(sorted({reference.asset for reference in rendering.references})),
            mask=tuple(said.keys.get("mask") or ()),
        )


def _names(path: str) -> tuple[str, ...]:
    """The stage and the name that a file's path means: mart and orders for `assets/models/mart/orders.sql`."""
    return tuple(path.rpartition(".")[0].split("/")[2:])


def _keys_of(model: type[Keys]) -> set[str]:
    """The keys of a shape, as files write them."""
    return {field.alias or name for name, field in model.model_fields.items()}
