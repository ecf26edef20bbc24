"""The project's own Python modules: imported from its folder, shared by its assets, and loaded again after a change.

A raw asset's file is the module `assets.models.<stage>.<model>`, and `assets/lib/geo.py` is `assets.lib.geo`. Any
process whose import path has the project's folder can import them by these names, so that what they define can be
pickled for a process pool.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from dagscope.dag.ground.breaking_off import Breaker, with_checks

_PACKAGE, _LIBRARY = "assets", "assets/lib"
_NEVER_FORGOTTEN = ("dagscope", "__main__", "__mp_main__")
_DOUBTFUL_NS = 2_000_000_000  # a bytecode cache may be written this long after its source was read


def is_own(folder: Path, path: str) -> bool:
    """Whether a Python file or a folder is the project's own, and not of Python or a library installed in it."""
    inside = path == str(folder) or path.startswith(f"{folder}{os.sep}")
    return inside and "site-packages" not in path and not path.startswith(_environments(folder))


@cache
def _environments(folder: Path) -> tuple[str, ...]:
    """Installations of Python inside the folder, such as a conda environment."""
    prefixes = {sys.prefix, sys.base_prefix}
    return tuple(f"{prefix}{os.sep}" for prefix in prefixes if Path(prefix).is_relative_to(folder))


def refresh(folder: Path) -> None:
    """Make the project's folder importable. If any of its modules changed, all of them are loaded again from now on.

    Call it once in a task, before its first raw asset.
    """
    with _modules.lock:
        _modules.refresh(folder)


def library_sources(folder: Path) -> Iterator[bytes]:
    """The contents of the files in `assets/lib/`."""
    for file in _sources_below(folder / _LIBRARY):
        with suppress(OSError):
            yield Path(file).read_bytes()


def load_asset(folder: Path, file: Path, breaker: Breaker) -> ModuleType:
    """Execute a raw asset's file as a new module, which `breaker` can end; raises what the file raises.

    It is not imported, because an import of a file that never ends would make the next one wait for it.
    """
    name = ".".join(file.relative_to(folder).with_suffix("").parts)
    code = with_checks(_modules.text_of(str(file)), str(file))
    package = import_module(name.rpartition(".")[0])
    spec = spec_from_file_location(name, file, loader=_Source(name, str(file)))
    assert spec is not None, "there is a loader"
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look up their module by name
    setattr(package, file.stem, module)
    breaker.check_in(module.__dict__)
    exec(code, module.__dict__)  # noqa: S102  running the project's Python is what a raw asset is
    return module


class _Modules:
    """The modules of one project at a time, because a process has one import system."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._folder: Path | None = None
        self._texts: dict[str, bytes] = {}
        """The files of modules, as they were loaded."""
        self._searched: dict[str, frozenset[str]] = {}
        """The folders that were searched for modules, with the modules that they had."""

    def refresh(self, folder: Path) -> None:
        if folder != self._folder:
            self._forget()
            sys.path[:] = [entry for entry in sys.path if entry != str(self._folder)]
            self._folder = folder
            self._forget()  # what was imported by other means
        elif self._has_changed():
            self._forget()
        self._make_importable(folder)
        for file in self._sources(folder):
            _delete_doubtful_bytecode(file)

    def text_of(self, path: str) -> bytes:
        """A module's source, which is from now on the one that is loaded."""
        self._texts[path] = text = Path(path).read_bytes()
        return text

    def finder(self, path: str) -> FileFinder:
        """Finds modules in a folder of the project; raises `ImportError` for other folders."""
        if not self._is_own(path) or not os.path.isdir(path):  # noqa: PTH112  never raises
            raise ImportError("not a folder of the project")
        self._searched[path] = _modules_in(path)
        return FileFinder(
            path,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (_Source, SOURCE_SUFFIXES),
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )

    def _is_own(self, path: str) -> bool:
        return self._folder is not None and is_own(self._folder, path)

    def _has_changed(self) -> bool:
        changed_files = any(_text_now(path) != text for path, text in list(self._texts.items()))
        return changed_files or any(_modules_in(path) != names for path, names in list(self._searched.items()))

    def _forget(self) -> None:
        """Forget all modules: if only the changed ones were new, others would keep functions of the old ones."""
        for name, module in list(sys.modules.items()):
            if self._is_of_project(name, module):
                sys.modules.pop(name, None)
        for path in list(sys.path_importer_cache):
            if self._is_own(path):
                sys.path_importer_cache.pop(path, None)
        self._texts.clear()
        self._searched.clear()

    def _is_of_project(self, name: str, module: ModuleType) -> bool:
        top = name.partition(".")[0]
        if top in _NEVER_FORGOTTEN:
            return False
        file = getattr(module, "__file__", None)
        places = [file] if isinstance(file, str) else _namespace_folders(module)
        if any(place.endswith(tuple(EXTENSION_SUFFIXES)) for place in places):  # Python cannot load one twice
            return False
        return top == _PACKAGE or any(map(self._is_own, places))

    def _make_importable(self, folder: Path) -> None:
        """Add the folder to the import path, once: after the standard library, before installed packages."""
        if self.finder not in sys.path_hooks:
            sys.path_hooks.insert(0, self.finder)
        if str(folder) not in sys.path:
            library = Path(os.__file__).parent
            of_library = (str(library), str(library / "lib-dynload"))
            after = max((place for place, name in enumerate(sys.path) if name in of_library), default=-1)
            sys.path.insert(after + 1, str(folder))
        for path, finder in list(sys.path_importer_cache.items()):
            if isinstance(finder, FileFinder) and self._is_own(path):
                finder.invalidate_caches()
        if not (folder / _PACKAGE / "__init__.py").exists():
            # An installed package of this name would be found before a folder without an __init__.py.
            spec = ModuleSpec(_PACKAGE, None, is_package=True)
            spec.submodule_search_locations = [str(folder / _PACKAGE)]
            sys.modules.setdefault(_PACKAGE, module_from_spec(spec))

    def _sources(self, folder: Path) -> set[str]:
        """The Python files that processes of assets may import: all in `assets/`, and those beside other modules."""
        beside = {f"{path}/{name}" for path, names in list(self._searched.items()) for name in names}
        return beside.union(_sources_below(folder / _PACKAGE))


_modules = _Modules()


class _Source(SourceFileLoader):
    """Loads a module from its source: a bytecode cache may be of an earlier one that was saved in the same second."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(_modules.text_of(path), path)


def _text_now(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _modules_in(folder: str) -> frozenset[str]:
    """The names of modules, and of packages that have an `__init__.py`."""
    names = set()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py") or os.path.isfile(f"{entry.path}/__init__.py"):  # noqa: PTH113  never raises
                names.add(entry.name)
    return frozenset(names)


def _namespace_folders(module: ModuleType) -> list[str]:
    try:
        return [str(path) for path in getattr(module, "__path__", ())]
    except (
        KeyError,
        TypeError,
    ):  # the path of a namespace is computed from its package, which may be forgotten already
        return []


def _sources_below(folder: Path) -> Iterator[str]:
    for path, _, names in os.walk(folder):
        yield from (f"{path}/{name}" for name in names if name.endswith(".py"))


def _delete_doubtful_bytecode(file: str) -> None:
    """Delete a bytecode cache that another process, such as one of a pool, may have written before the file was saved.

    Python compares only seconds and sizes.
    """
    bytecode = cache_from_source(file)
    with suppress(OSError):  # usually there is no cache
        if os.stat(bytecode).st_mtime_ns < os.stat(file).st_ctime_ns + _DOUBTFUL_NS:  # noqa: PTH116  fast
            Path(bytecode).unlink()
