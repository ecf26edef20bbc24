"""Checks across a project's files: every name exists, data reaches its readers, and there are no cycles."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from dagscope.dag.connections.materializations import TableKeys
from dagscope.dag.ground.problems import Problem, did_you_mean
from dagscope.dag.model.assets import ROOT_STAGE, Asset, DataTest
from dagscope.dag.model.dialect import Dialect, input_table
from dagscope.dag.model.file_shapes import Materialization
from dagscope.dag.model.graph import Graph
from dagscope.dag.model.templates import Reference
from dagscope.dag.project.files_read import MODELS, PROFILE, TESTS, FilesRead
from dagscope.dag.project.project import hands_over_frames
from dagscope.dag.project.project_files import is_python
from dagscope.dag.project.python_files import NO_EXECUTE, module_of

_MOST_HINTS = 100


class ProjectChecks:
    """Adds to the files' `problems` and `warnings`, and adds the upstreams to their assets."""

    def __init__(self, files: FilesRead, dialects: Mapping[str, Dialect]) -> None:
        """`dialects` are the connections' dialects, by connection name."""
        self.files, self.dialects = files, dialects
        self._input_tables: dict[tuple[str, str], str] = {}
        self._hints_left = _MOST_HINTS
        self._meant_as_assets: set[str] = set()

    def _hint(self, word: str, known: Iterable[str]) -> str:
        """The nearest known word, only for the first unknown names, because the search takes time."""
        self._hints_left -= 1
        return did_you_mean(word, known) if self._hints_left >= 0 else ""

    def graph(self) -> Graph:
        """Check everything; returns the graph of the assets, which is empty if they form a cycle."""
        self._check_profiled_models_exist()
        self._check_named_tests()
        self._check_lengths_of_names()
        self._check_index_names_differ()
        self._check_references()
        self._check_modules()
        return self._acyclic()

    def _check_profiled_models_exist(self) -> None:
        if not self.files.has_assets_folder:
            return
        for name, said in self.files.said.items():
            if "name" in said.places and name in self.files.modules:
                self._meant_as_assets.add(name)
            elif "name" in said.places and name not in self.files.assets and name not in self.files.broken:
                message = f'model "{name}" has no file'
                if said.keys.get("materialization") is Materialization.RAW or said.keys.get("raw_upstreams"):
                    file = f"{MODELS}/{name.replace('.', '/')}.py"
                    message = f'raw asset "{name}" has no file; write execute(context) in Python, in {file}'
                else:
                    message += self._hint(name, self.files.assets)
                self.files.problems.append(Problem(*said.places["name"], message))

    def _check_named_tests(self) -> None:
        named: set[str] = set()
        for asset in self.files.assets.values():
            named.update(asset.tests)
            for test in asset.tests:
                if test not in self.files.tests and test not in self.files.broken:
                    place = self.files.said[asset.name].places["tests"]
                    stage, _, bare = test.partition(".")
                    folder = TESTS if stage == ROOT_STAGE else f"{TESTS}/{stage}"
                    hint = self._hint(test, self.files.tests) or f"; write it at {folder}/{bare}.sql"
                    self.files.problems.append(Problem(*place, f'unknown data test "{test}"' + hint))
        for name, data_test in self.files.tests.items():
            if name not in named and not data_test.is_root:
                message = f'data test "{name}" never runs: no model names it; add it to a model\'s tests'
                self.files.warnings.append(Problem(data_test.path, 0, message))

    def _check_lengths_of_names(self) -> None:
        """If an engine truncates names, two relations could become one."""
        stages: set[tuple[str, str]] = set()
        for asset in self.files.assets.values():
            if asset.is_raw:
                continue
            stage, model = asset.name.split(".", 1)
            if (asset.connection, stage) not in stages:
                stages.add((asset.connection, stage))
                self._check_length(asset, "stage", stage, (asset.path, 0), "rename its folder")
            self._check_length(asset, "model", model, (asset.path, 0), "rename its file")
            self._check_index_names(asset)

    def _check_index_names(self, asset: Asset) -> None:
        places = self.files.said[asset.name].places
        keys = TableKeys.of(asset)
        for index in keys.indexes:
            is_key = index is keys.primary_key
            place = places.get("primary_key_fields" if is_key else "indexes", (asset.path, 0))
            advice = "rename the model's file" if is_key else "give it a shorter name"
            self._check_length(asset, "index", index.name, place, advice)

    def _check_length(self, asset: Asset, what: str, name: str, place: tuple[str, int], advice: str) -> None:
        dialect = self.dialects.get(asset.connection)
        if dialect is not None and dialect.cuts(name):
            message = (
                f'the name of {what} "{name}" has {len(name.encode())} bytes, and connection "{asset.connection}" '
                f"({asset.connection_type}) truncates names after {dialect.longest_name}; {advice}"
            )
            self.files.problems.append(Problem(*place, message))

    def _check_index_names_differ(self) -> None:
        """The model `a` with an index `b_c` and the model `a_b` with an index `c` would have indexes of one name."""
        owners: dict[tuple[str, str, str], str] = {}
        for asset in self.files.assets.values():
            if asset.materialization not in (Materialization.TABLE, Materialization.INCREMENTAL):
                continue
            keys = TableKeys.of(asset)
            for index in keys.indexes:
                place = (asset.connection, asset.stage.lower(), index.name.lower())
                owner = owners.setdefault(place, asset.name)
                if owner != asset.name:
                    key = "primary_key_fields" if index is keys.primary_key else "indexes"
                    message = f'"{owner}" and "{asset.name}" would both have an index {index.name}; rename one'
                    self.files.problems.append(Problem(*self.files.said[asset.name].places[key], message))

    def _check_references(self) -> None:
        for name, asset in list(self.files.assets.items()):
            known = []
            for reference in self._known_references(asset.path, self.files.references.get(name, [])):
                if reference.asset == name:
                    message = f'"{name}" refers to itself; use this() to refer to its own relation'
                    self.files.problems.append(Problem(self._reference_path(asset), reference.line, message))
                    continue
                known.append(reference)
                self._check_hand_over(asset, reference)
                self._check_input_table(asset, reference)
            self.files.assets[name] = replace(asset, upstreams=tuple(sorted({reference.asset for reference in known})))
        for test in self.files.tests.values():
            for reference in self._known_references(test.path, self.files.references[f"test {test.name}"]):
                self._check_test_reads(test, reference)

    def _reference_path(self, asset: Asset) -> str:
        return PROFILE if asset.is_raw else asset.path

    def _known_references(self, path: str, references: list[Reference]) -> Iterator[Reference]:
        for reference in references:
            if reference.asset in self.files.assets:
                yield reference
            elif reference.asset in self.files.modules:
                self._meant_as_assets.add(reference.asset)
            elif reference.asset not in self.files.broken:
                where = PROFILE if is_python(path) else path
                message = f'unknown asset "{reference.asset}"' + self._hint(reference.asset, self.files.assets)
                self.files.problems.append(Problem(where, reference.line, message))

    def _check_modules(self) -> None:
        """A Python file without `execute` is a module for others; if nobody uses it as one, its author may not know."""
        for name, path in self.files.modules.items():
            module = module_of(path)
            if name in self._meant_as_assets or not self.files.assets:
                self.files.problems.append(Problem(path, 0, NO_EXECUTE))
            elif module not in self.files.imported:
                message = (
                    "no function execute(context), and no file in assets/ imports it; define execute(context) to make "
                    f"it a raw asset, or import it as {module}"
                )
                self.files.warnings.append(Problem(path, 0, message))

    def _check_hand_over(self, asset: Asset, reference: Reference) -> None:
        """Data comes from a raw asset, or from another connection, only as a frame."""
        upstream = self.files.assets[reference.asset]
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
            self.files.problems.append(Problem(asset.path, reference.line, message))

    def _check_input_table(self, asset: Asset, reference: Reference) -> None:
        """Two upstreams whose frames are written under one name would be mistaken for each other."""
        upstream = self.files.assets[reference.asset]
        if asset.is_raw or not asset.persist_inputs or not hands_over_frames(upstream):
            return
        table = input_table(upstream.name)
        place = (asset.path, reference.line)
        self._check_length(asset, "table", table, place, f'rename "{upstream.name}", whose rows it holds')
        self._check_no_model_is(table, asset, place)
        first = self._input_tables.setdefault((asset.connection, table.lower()), upstream.name)
        if first != upstream.name:
            message = (
                f'"{first}" and "{upstream.name}" would both be written as {table} on connection '
                f'"{asset.connection}"; rename one'
            )
            self.files.problems.append(Problem(asset.path, reference.line, message))

    def _check_no_model_is(self, table: str, reader: Asset, place: tuple[str, int]) -> None:
        """A frame for a reader is written to the default schema, where a stage may have models."""
        dialect = self.dialects.get(reader.connection)
        taken = f"{dialect.default_schema}.{table}".lower() if dialect is not None else ""
        model = self._models_in_lower_case.get(taken)
        if model is not None and model.connection == reader.connection and not model.is_raw:
            message = f'"{model.name}" would be replaced by the rows that "{reader.name}" reads; rename it'
            self.files.problems.append(Problem(*place, message))

    @cached_property
    def _models_in_lower_case(self) -> dict[str, Asset]:
        return {name.lower(): asset for name, asset in self.files.assets.items()}

    def _check_test_reads(self, test: DataTest, reference: Reference) -> None:
        upstream = self.files.assets[reference.asset]
        if upstream.is_raw:
            message = f'data test "{test.name}" cannot read "{upstream.name}", which is raw and has no relation'
        elif upstream.connection != test.connection:
            message = (
                f'data test "{test.name}" (connection "{test.connection}") cannot read "{upstream.name}", which is on '
                f'connection "{upstream.connection}"; set connection: {upstream.connection} in the test\'s block'
            )
        else:
            return
        self.files.problems.append(Problem(test.path, reference.line, message))

    def _acyclic(self) -> Graph:
        graph = Graph({name: asset.upstreams for name, asset in self.files.assets.items()})
        cycle = graph.cycle()
        if cycle is None:
            return graph
        asset = self.files.assets[cycle[1]]
        line = next(ref.line for ref in self.files.references[asset.name] if ref.asset == cycle[0])
        message = (
            "the assets depend on each other in a cycle: " + " -> ".join(cycle) + "; remove one of these dependencies"
        )
        self.files.problems.append(Problem(self._reference_path(asset), line, message))
        return Graph({})
