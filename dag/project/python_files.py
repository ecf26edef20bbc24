"""The Python files of a project, which are parsed but not executed: raw assets, and modules that they share."""

import ast
from collections.abc import Iterator

from dagscope.dag.ground.problems import Problem
from dagscope.dag.ground.python_syntax import parsed

NO_EXECUTE = "no function execute(context); a raw asset's file defines it at the top level"


class PythonFile:
    """One file. If it is not valid Python, `problems` says why; it is not compiled, because that may take forever."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._tree = self._parsed(text)
        self._may_import = "assets" in text or "from ." in text

    def _parsed(self, text: str) -> ast.Module:
        try:
            return parsed(text)
        except SyntaxError as error:
            self.problems.append(Problem(self.path, error.lineno or 1, f"not valid Python: {error.msg}"))
        except (RecursionError, MemoryError):
            self.problems.append(Problem(self.path, 0, "not valid Python: nested too deeply"))
        except (ValueError, OverflowError, UnicodeError) as error:
            self.problems.append(Problem(self.path, 0, f"not valid Python: {error}"))
        return ast.Module([], [])

    @property
    def module(self) -> str:
        """The name under which the project's other files can import it."""
        return module_of(self.path)

    def check_execute(self) -> bool:
        """Whether the file defines `execute`; if it takes other arguments or is async, that is a problem."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        functions = [node for node in self._tree.body if isinstance(node, kinds) and node.name == "execute"]
        if not functions:
            return False
        message = ""
        if isinstance(functions[-1], ast.AsyncFunctionDef):
            message = "execute cannot be async; write def execute(context), and asyncio.run(...) in it"
        elif len(functions[-1].args.posonlyargs + functions[-1].args.args) != 1:
            message = "execute takes one argument: def execute(context)"
        if message:
            self.problems.append(Problem(self.path, functions[-1].lineno, message))
        return True

    def imports(self) -> Iterator[str]:
        """The names of modules below `assets` that the file imports, and of what it imports from them."""
        if not self._may_import:
            return
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = self.module.split(".")[: -node.level] if node.level else []
                package = ".".join([*start, *([node.module] if node.module else [])])
                yield package
                yield from (f"{package}.{alias.name}" for alias in node.names)


def module_of(path: str) -> str:
    """`assets.lib.geo` for `assets/lib/geo.py`; for an `__init__.py`, the package's name with `.__init__`."""
    return path.rpartition(".")[0].replace("/", ".")
