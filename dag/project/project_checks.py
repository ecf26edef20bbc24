"""What a project's files say of each other: what is named is there, data gets where it is read, nothing is a cycle."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from dagscope.dag.ground.problems import Problem, did_you_mean
from dagscope.dag.model.assets import ROOT_STAGE, Asset, DataTest
from dagscope.dag.model.dialect import input_table
from dagscope.dag.model.graph import Graph
from dagscope.dag.model.templates import Reference
from dagscope.dag.project.files_read import PROFILE, TESTS, FilesRead, full_name
from dagscope.dag.project.project import hands_over_frames
from dagscope.dag.project.project_files import is_python

_MOST_HINTS = 100


class ProjectChecks:
    """Adds what is wrong to the `problems` and `warnings` of the files, and to their assets what they depend on."""

    def __init__(self, files: FilesRead) -> None:
        self.files = files
        self._input_tables: dict[tuple[str, str], str] = {}
        self._hints_left = _MOST_HINTS

    def _hint(self, word: str, known: Iterable[str]) -> str:
        """The nearest known word, for the first slips: to look for it among many takes time."""
        self._hints_left -= 1
        return did_you_mean(word, known) if self._hints_left >= 0 else ""

    def graph(self) -> Graph:
        """Check all; how the assets depend on each other, without any where they do in a cycle."""
        self._check_profiled_models_exist()
        self._check_named_tests()
        self._add_masks_of_models()
        self._check_references()
        return self._acyclic()

    def _check_profiled_models_exist(self) -> None:
        if not self.files.has_assets_folder:
            return
        for name, said in self.files.said.items():
            if "name" in said.places and name not in self.files.assets and name not in self.files.broken:
                message = f'model "{name}" has no file' + self._hint(name, self.files.assets)
                self.files.problems.append(Problem(*said.places["name"], message))

    def _add_masks_of_models(self) -> None:
        """What any model wants masked of a test is masked whoever runs it."""
        for name in self.files.assets:
            for entry in self.files.said[name].keys.get("tests") or ():
                test = self.files.tests.get(full_name(name, entry.name))
                if test is not None:
                    self.files.tests[test.name] = replace(test, mask=tuple(dict.fromkeys([*test.mask, *entry.mask])))

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

    def _check_references(self) -> None:
        for name, asset in list(self.files.assets.items()):
            known = []
            for reference in self._known_references(asset.path, self.files.references.get(name, [])):
                if reference.asset == name:
                    message = f'"{name}" refers to itself; use this() for the relation as it is'
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
            elif reference.asset not in self.files.broken:
                where = PROFILE if is_python(path) else path
                message = f'unknown asset "{reference.asset}"' + self._hint(reference.asset, self.files.assets)
                self.files.problems.append(Problem(where, reference.line, message))

    def _check_hand_over(self, asset: Asset, reference: Reference) -> None:
        """Data crosses from a raw asset, or from another connection, only as a frame."""
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
        """Two upstreams written beside their readers under one name would be read for one another."""
        upstream = self.files.assets[reference.asset]
        if asset.is_raw or not asset.persist_inputs or not hands_over_frames(upstream):
            return
        table = input_table(upstream.name)
        first = self._input_tables.setdefault((asset.connection, table.lower()), upstream.name)
        if first != upstream.name:
            message = (
                f'"{first}" and "{upstream.name}" would both be written as {table} on connection '
                f'"{asset.connection}"; rename one'
            )
            self.files.problems.append(Problem(asset.path, reference.line, message))

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
