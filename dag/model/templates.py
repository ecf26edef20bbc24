"""SQL templates: Jinja2, sandboxed, with the names that the contract defines (Projects)."""

import inspect
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from types import CodeType, FrameType, TracebackType
from typing import Any

from jinja2 import Template as CompiledTemplate
from jinja2 import TemplateSyntaxError, UndefinedError, nodes

from dagscope.dag.ground.errors import DagscopeError, TemplateFailed
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.query_text import NotOneQuery, single_query
from dagscope.dag.model.teal_templates import TAKING_A_NAME, as_jinja, unquoted
from dagscope.dag.model.template_meter import LimitReached, Meter, metered
from dagscope.dag.model.template_sandbox import TemplateEnvironment, undeclared_names
from dagscope.dag.redaction.sql_secrets import is_secret_name

_DOCUMENTED = frozenset("Ref this IsIncremental ENV TaskID TaskUUID InstanceName InstanceUUID param".split())

MODEL_NAMES = _DOCUMENTED | frozenset("ref range dict lipsum cycler joiner namespace".split())
"""Every name a model's template may use; a data test's may use all but `this` and `IsIncremental`."""

TEST_NAMES = MODEL_NAMES - {"this", "IsIncremental"}

_BLOCK_START = re.compile(r"\{\{\{?-?\s*define\s+[\"'`]profile\.yaml[\"'`]\s*-?\}\}\}?")
_BLOCK_END = re.compile(r"\{\{\{?-?\s*end\s*-?\}\}\}?[ \t]*\n?")
_NOT_READ = re.compile(r"\{#|\{%[-+]?\s*(?P<name>comment|raw|verbatim)\b")


@dataclass(frozen=True)
class SourceFile:
    """A model's or test's text, split into its profile block and its SQL template."""

    block: str
    block_line: int
    template: str
    template_line: int


def split_source(text: str) -> SourceFile:
    """Part the first `{{ define "profile.yaml" }} ... {{ end }}` from the template around it; lines count from 1."""
    found = _block(text)
    if found is None:
        return SourceFile("", 1, text.strip(), _line_of(text, _indent(text)))
    start, end = found
    before, after = text[: start.start()], text[end.end() :]
    block, block_line = text[start.end() : end.start()], _line_of(text, start.end())
    if before.strip():  # what follows keeps its lines
        lines = "\n" * text.count("\n", start.start(), end.end())
        return SourceFile(block, block_line, (before + lines + after).strip(), _line_of(text, _indent(before)))
    return SourceFile(block, block_line, after.strip(), _line_of(text, end.end() + _indent(after)))


def _block(text: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """Where the profile block begins and ends: one that no comment and no raw text holds."""
    start = _BLOCK_START.search(text)
    hiding = _NOT_READ.search(text)
    while start is not None and hiding is not None and hiding.start() < start.start():
        closing = re.compile(rf"\{{%[-+]?\s*end{hiding['name']}\b" if hiding["name"] else "#\\}")
        closed = closing.search(text, hiding.end())
        if closed is None:
            return None
        hiding = _NOT_READ.search(text, closed.end())
        if start.start() < closed.end():
            start = _BLOCK_START.search(text, closed.end())
    end = _BLOCK_END.search(text, start.end()) if start else None
    return (start, end) if start and end else None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


@dataclass(frozen=True)
class TaskValues:
    """What a run passes to templates and raw assets; at load the names are "" and `data` is None."""

    task_id: str = ""
    task_uuid: str = ""
    instance_name: str = ""
    instance_uuid: str = ""
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Reference:
    """One call of `Ref`: the asset that it names and its line in the file."""

    asset: str
    line: int


@dataclass
class Rendering:
    """The input of one rendering and what it recorded: the references, and whether `IsIncremental` was called.

    The `meter` is the rendering's budget; several renderings may share one.
    """

    relation_of: Callable[[str], str]
    dialect: Dialect
    task: TaskValues = TaskValues()
    this: str = ""
    incremental: bool = False
    references: list[Reference] = field(default_factory=list)
    asked_incremental: bool = False
    meter: Meter = field(default_factory=Meter)


class Template:
    """A parsed template of the file `path`, where it starts at line `first_line`.

    `environment` has the variables that it can read. Raises `TemplateFailed` for a syntax error or a name outside
    `known_names`.
    """

    def __init__(
        self,
        path: str,
        source: str,
        first_line: int,
        known_names: frozenset[str],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.path, self.source, self.first_line, self.environment = path, source, first_line, environment
        self._lines: dict[CodeType, tuple[list[int], list[int]]] = {}
        self._parts = _plain_parts(source)
        if self._parts is None:
            self._compiled = self._compile(known_names)

    def _compile(self, known_names: frozenset[str]) -> CompiledTemplate:
        path, environment = self.path, _environment()
        source = as_jinja(path, self.source, self.first_line)
        try:
            tree = environment.parse(source, filename=path)
            self._refuse_unknown_names(tree, known_names)
            code = environment.compile(environment.counted(tree), path, path)
        except TemplateSyntaxError as error:
            raise TemplateFailed(path, self._file_line(error.lineno), f"template syntax: {error.message}") from error
        except TemplateFailed:
            raise
        except (RecursionError, MemoryError, SyntaxError) as error:  # of Python's compiler: 20 loops are its limit
            raise TemplateFailed(path, self.first_line, "template syntax: nested too deeply") from error
        except Exception as error:  # Jinja's parser, and Python's compiler of what Jinja makes of the template
            raise TemplateFailed(path, self.first_line, f"template syntax: {_reason(error)}") from error
        return CompiledTemplate.from_code(environment, code, environment.make_globals(None))

    def render(self, rendering: Rendering) -> str:
        """The SQL. Raises `TemplateFailed` with the line that cannot be rendered."""
        if self._parts is not None:
            return self._render_plain(self._parts, rendering)
        names = _Names(self, rendering)
        try:
            with metered(rendering.meter):
                return self._compiled.render(names.as_mapping())
        except TemplateFailed:
            raise
        except RecursionError as error:
            raise TemplateFailed(self.path, self.first_line, "endless recursion in a macro or loop") from error
        except Exception as error:  # a template can call anything on the values that it receives
            line = self._failing_line(error.__traceback__)
            raise TemplateFailed(self.path, line, _reason(error)) from error

    def render_query(self, rendering: Rendering) -> str:
        """The SQL of one query, without its final semicolon. Raises `TemplateFailed`, also if it is not one query."""
        sql = self.render(rendering)
        try:
            return single_query(sql)
        except NotOneQuery as error:
            keeps_lines = sql.count("\n") == self.source.count("\n")
            line = _line_of(sql, error.offset) if keeps_lines else 1
            raise TemplateFailed(self.path, self._file_line(line), error.reason) from None

    def _render_plain(self, parts: list[str], rendering: Rendering) -> str:
        sql, line = [parts[0]], self.first_line
        for before, asset, after in zip(parts[:-1:2], parts[1::2], parts[2::2], strict=True):
            line += before.count("\n")
            rendering.references.append(Reference(asset, line))
            sql += rendering.relation_of(asset), after
        return "".join(sql)

    def calling_line(self) -> int:
        """The file's line that is being rendered, for a function that the template calls."""
        frame = inspect.currentframe()
        while frame is not None:
            if frame.f_code.co_filename == self.path:
                return self._file_line(self._template_line(frame))
            frame = frame.f_back
        return self.first_line

    def _template_line(self, frame: FrameType) -> int:
        """The current template line of a frame of the compiled template.

        `frame.f_lineno` and Jinja's `get_corresponding_lineno` scan all lines of a template on each call.
        """
        code = frame.f_code
        if code not in self._lines:
            made_of = self._compiled.debug_info  # pairs of lines: of the template, of the code
            starts = [(start, line or 0) for start, _, line in code.co_lines()]
            found = [bisect_right(made_of, line, key=itemgetter(1)) for _, line in starts]
            self._lines[code] = [start for start, _ in starts], [made_of[at - 1][0] if at else 1 for at in found]
        starts_at, lines = self._lines[code]
        return lines[bisect_right(starts_at, frame.f_lasti) - 1]

    def _file_line(self, template_line: int) -> int:
        return template_line + self.first_line - 1

    def _failing_line(self, trace: TracebackType | None) -> int:
        line = 1
        while trace is not None:  # Jinja rewrites the frames of templates to their source lines
            if trace.tb_frame.f_code.co_filename == self.path:
                line = trace.tb_lineno
            trace = trace.tb_next
        return self._file_line(line)

    def _refuse_unknown_names(self, tree: nodes.Template, known_names: frozenset[str]) -> None:
        suspects = [name for name in tree.find_all(nodes.Name) if name.name not in known_names]
        if not suspects:  # separating undeclared names from `{% set %}` ones costs as much as compiling
            return
        unknown = undeclared_names(tree)
        for name in suspects:
            if name.name in unknown:
                known = ", ".join(sorted(known_names & _DOCUMENTED))
                reason = _unquoted(tree, name) or f'"{name.name}" is undefined; known: {known}'
                raise TemplateFailed(self.path, self._file_line(name.lineno), reason)


def _unquoted(tree: nodes.Template, name: nodes.Name) -> str | None:
    """What to write where the name begins an argument that needs quotes: `Ref(staging.orders)`."""
    for call in tree.find_all(nodes.Call):
        if not (isinstance(call.node, nodes.Name) and call.node.name in TAKING_A_NAME and call.args):
            continue
        argument, parts = call.args[0], list[str]()
        while isinstance(argument, nodes.Getattr):
            parts.append(argument.attr)
            argument = argument.node
        if argument is name:
            return unquoted(call.node.name, ".".join((name.name, *reversed(parts))))
    return None


def _reason(error: Exception) -> str:
    has_own_words = isinstance(error, UndefinedError | LimitReached | DagscopeError)
    return str(error) if has_own_words else f"{type(error).__name__}: {error}".removesuffix(": ")


_PLAIN_REF = re.compile(
    r"""(?<!\{)\{\{\s*[Rr]ef(?:\(\s*(?=["'][^"'\\\n]*["']\s*\))|\s+(?=["'][^"'\\\n]*["']\s*\}))"""
    r"""["']([^"'\\\n]*)["']\s*\)?\s*\}\}(?!\})"""
)


def _plain_parts(source: str) -> list[str] | None:
    """Text, asset, text, asset, ..., text of a template whose only expressions are `{{ Ref("...") }}`, else None.

    Most models are like this. Compiling each with Jinja took 1.1 ms, half of the time to load a large project.
    """
    parts = _PLAIN_REF.split(source)
    if any(mark in text for text in parts[::2] for mark in ("{{", "{%", "{#")):
        return None
    return parts


@cache
def _environment() -> TemplateEnvironment:
    return TemplateEnvironment()


class _Names:
    """The functions and values that one rendering sees."""

    def __init__(self, template: Template, rendering: Rendering) -> None:
        self._template, self._rendering = template, rendering

    def as_mapping(self) -> dict[str, Any]:
        task = self._rendering.task
        return {
            **{name: _Function(name, function, self._failure) for name, function in self._functions().items()},
            "TaskID": task.task_id,
            "TaskUUID": task.task_uuid,
            "InstanceName": task.instance_name,
            "InstanceUUID": task.instance_uuid,
        }

    def _functions(self) -> dict[str, Callable[..., Any]]:
        return {
            "Ref": self.ref,
            "ref": self.ref,
            "this": self.this,
            "IsIncremental": self.is_incremental,
            "ENV": self.environment_variable,
            "param": self.param,
        }

    def ref(self, asset: str) -> str:
        self._rendering.references.append(Reference(str(asset), self._template.calling_line()))
        return self._rendering.relation_of(str(asset))

    def this(self) -> str:
        return self._rendering.this

    def is_incremental(self) -> bool:
        self._rendering.asked_incremental = True
        return self._rendering.incremental

    def environment_variable(self, name: str, default: str | None = None) -> str:
        known = self._template.environment
        value = known.get(name) or default  # as in Teal, a variable that is set but empty is not there
        if value is None and name in known:
            return ""
        if value is None:
            raise self._failure(f'environment variable "{name}" is not set; set it or give ENV a default')
        return str(value)

    def param(self, name: str, *default: Any) -> str:
        data = self._rendering.task.data
        if data is not None and name in data:
            return self._rendering.dialect.literal(data[name])
        if default or data is None:
            return self._rendering.dialect.literal(default[0] if default else None)
        raise self._failure(f'parameter "{name}" is missing from the run\'s data and has no default')

    def _failure(self, reason: str) -> TemplateFailed:
        return TemplateFailed(self._template.path, self._template.calling_line(), reason)


class _Function:
    """A function that templates call.

    Not called, one that takes nothing is its value, as in Teal before 1.0; any other is an error instead of a piece
    of SQL, or of always being true.
    """

    def __init__(self, name: str, function: Callable[..., Any], failure: Callable[[str], TemplateFailed]) -> None:
        self._name, self._function, self._failure = name, function, failure
        self._takes_nothing = not inspect.signature(function).parameters

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        try:
            inspect.signature(self._function).bind(*arguments, **named)
        except TypeError as error:
            raise self._failure(f"{self._name}: {error}") from error
        return self._function(*arguments, **named)

    def __str__(self) -> str:
        return str(self._value())

    def __bool__(self) -> bool:
        return bool(self._value())

    def _value(self) -> Any:
        if self._takes_nothing:
            return self._function()
        raise self._not_called

    @property
    def _not_called(self) -> TemplateFailed:
        return self._failure(f'"{self._name}" is a function; write {self._name}(...)')


_ENVIRONMENT = re.compile(r"""\bENV\s*\(?\s*["'`]([^"'`\n]+)["'`]""")


def secret_environment(source: str, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The values of the environment variables that a template uses and whose names say that they are secrets."""
    for name in _ENVIRONMENT.findall(source):
        if is_secret_name(name) and name in environment:
            yield environment[name]


class NamedEnvironment(dict[str, str]):
    """An environment in which each variable stands for itself, as in a shell: that of whoever looks is not read."""

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002  as of a mapping
        return f"${name}"
