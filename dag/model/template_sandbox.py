"""Jinja2's sandbox with limits: no template takes long, produces too much, or nests endlessly."""

from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.meta import TrackingCodeGenerator
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from dagscope.dag.model.template_growth import check_call, check_filter, check_operation
from dagscope.dag.model.template_meter import current_meter

TOKENS = 20_000
"""Tokens inside the tags of one template; compiling takes 50 microseconds for each."""

_COUNTED, _ROUNDS = "counted by dagscope", "rounds counted by dagscope"  # no template can write such names


class TemplateEnvironment(SandboxedEnvironment):
    """Templates whose every step is counted by the `current_meter`. Rendering raises `LimitReached`."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            keep_trailing_newline=False,
            optimized=False,  # what is evaluated while compiling cannot be counted
            finalize=_written,
            extensions=[_TokenLimit],
        )
        for kinds in (self.filters, self.tests):
            for name, function in list(kinds.items()):
                kinds[name] = _counted(name, function)
        self.filters[_COUNTED] = _value
        self.filters[_ROUNDS] = _rounds

    def counted(self, tree: nodes.Template) -> nodes.Template:
        """The same template, which also counts the parts that the sandbox does not intercept."""
        counted: nodes.Template = _Counting().visit(tree)
        return counted

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        meter = current_meter()
        meter.step()
        check_operation(meter, operator, left, right)
        return meter.made(super().call_binop(context, operator, left, right))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        meter = current_meter()
        meter.step()
        args = check_call(meter, __obj, args, kwargs)
        if isinstance(__obj, LoopContext) and args:
            args = (meter.each(args[0]), *args[1:])
        return meter.made(super().call(__context, __obj, *args, **kwargs))


def undeclared_names(tree: nodes.Template) -> set[str]:
    """The names that a template uses and does not set itself."""
    generator = TrackingCodeGenerator(tree.environment)  # type: ignore[arg-type]  # a parsed template has one
    generator.optimizer = None  # it evaluates constants again for each level of nesting
    generator.visit(tree)
    return generator.undeclared_identifiers


class _TokenLimit(Extension):
    """Refuses a template that would take too long to compile."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        found = 0
        for token in stream:
            found += token.type != "data"
            if found > TOKENS:
                message = f"more than {TOKENS:,} tokens in its tags; write a shorter template"
                raise TemplateSyntaxError(message, token.lineno, stream.name, stream.filename)
            yield token


@pass_context
def _written(_: Context, value: Any) -> Any:
    meter = current_meter()
    meter.step()
    return meter.made(value)


@pass_context
def _value(_: Context, value: Any) -> Any:
    meter = current_meter()
    meter.step()
    return meter.made(value)


@pass_context
def _rounds(_: Context, values: Any) -> Any:
    return current_meter().each(values) if hasattr(values, "__iter__") else values  # Jinja reports what is wrong


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test whose call counts as a step, and whose result counts as created text."""
    wants = getattr(getattr(function, "jinja_pass_arg", None), "name", "")

    @pass_context
    def counted(context: Context, value: Any, *arguments: Any, **named: Any) -> Any:
        meter = current_meter()
        meter.step()
        if isinstance(value, Iterator) and not isinstance(value, LoopContext):
            value = meter.each(value)
        check_filter(meter, name, value, arguments, named)
        first = {"context": (context,), "eval_context": (context.eval_ctx,), "environment": (context.environment,)}
        return meter.made(function(*first.get(wants, ()), value, *arguments, **named))

    return counted


class _Counting(NodeTransformer):
    """Makes rounds of loops, comparisons, concatenations, slices, literals and repeated text count."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  the visitor's names are those of the nodes
        self.generic_visit(node)
        node.iter = _through(_ROUNDS, node.iter)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802
        return nodes.MarkSafeIfAutoescape(nodes.Const(node.data, lineno=node.lineno), lineno=node.lineno)

    def _counted(self, node: nodes.Node) -> nodes.Node:
        self.generic_visit(node)
        return _through(_COUNTED, node) if getattr(node, "ctx", "load") == "load" else node

    visit_Compare = visit_Concat = visit_List = visit_Tuple = visit_Dict = visit_Getitem = _counted  # noqa: N815


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    assert isinstance(node, nodes.Expr)
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)
