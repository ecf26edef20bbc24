"""YAML with the line of each key and value, validated by models whose errors refer to those lines."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from dagscope.dag.ground.problems import Problem, did_you_mean
from dagscope.dag.project.yaml_limits import check_limits
from dagscope.dag.redaction.sql_secrets import is_secret_name

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
"""The path to a value: keys and list positions."""

try:
    _Loader: type = yaml.CSafeLoader
except AttributeError:  # PyYAML without libyaml: the same, slower
    _Loader = yaml.SafeLoader


@dataclass
class YamlDocument:
    """The values of one YAML text, the line of each, and the problems found."""

    path: str
    values: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest enclosing place."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, message: str) -> None:
        self.problems.append(Problem(self.path, self.line(place), message))


def read_yaml(path: str, text: str, first_line: int = 1) -> YamlDocument:
    """Parse text that starts at line `first_line` of the file `path`. Never raises: see `problems`."""
    document = YamlDocument(path)
    try:
        check_limits(yaml.parse(text, Loader=_Loader))
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            document.values = _values(node, (), loader, document, first_line) if node is not None else None
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or str(error).splitlines()[0]
        last = text.rstrip().count("\n")  # an error at the end of the text is reported at its last line
        line = min(mark.line if mark else 0, last)
        if is_secret_name("".join(text.splitlines()[line : line + 1])):  # `password: !x` names the password a tag
            reason = re.sub(r"'[^']*'", "***", reason)
        line += first_line
        document.problems.append(Problem(path, line, f"not valid YAML: {reason}"))
    except RecursionError:  # `check_limits` has refused deep nesting without a cycle
        document.problems.append(Problem(path, 0, "not valid YAML: an alias that contains itself"))
    return document


_LONGEST_NUMBER = 100  # digits and colons: YAML reads 1:30 as a base-60 number, and int() stops at 4,300 digits


def _values(node: yaml.Node, place: Place, loader: Any, document: YamlDocument, first_line: int) -> Any:
    document.lines.setdefault(place, node.start_mark.line + first_line)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a string", key_node.start_mark)
            key = str(key_node.value)
            at = (*place, key)
            if key in mapping:
                first = document.lines[at]
                line = key_node.start_mark.line + first_line
                message = f'key "{key}" appears twice, first on line {first}; keep one'
                document.problems.append(Problem(document.path, line, message))
                continue
            document.lines[at] = key_node.start_mark.line + first_line
            mapping[key] = _values(value_node, at, loader, document, first_line)
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_values(item, (*place, index), loader, document, first_line) for index, item in enumerate(node.value)]
    try:
        if len(node.value) > _LONGEST_NUMBER and node.tag.endswith((":int", ":float")):
            raise ValueError("a number with more than 100 characters")
        if "\0" in node.value:
            raise ValueError("a string contains the character NUL")
        return loader.construct_object(node, deep=True)
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # a value that its tag refuses: a 13th month
        raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


def read_model(document: YamlDocument, model: type[Model]) -> Model | None:
    """The document's values as `model`; None if they do not fit, with the problems added to the document."""
    if document.problems:
        return None
    if document.values is None:
        document.values = {}
    if not isinstance(document.values, dict):
        document.problem((), f"expected keys and values, found {_kind(document.values)}")
        return None
    try:
        return model.model_validate(document.values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details[:_SHOWN_PROBLEMS]:
            place = tuple(detail["loc"])
            document.problem(place, _message(place, detail, model))
        if len(details) > _SHOWN_PROBLEMS:
            document.problem((), f"{len(details) - _SHOWN_PROBLEMS:,} more keys or values are invalid")
        return None


_SHOWN_PROBLEMS = 100  # of one text; searching the nearest known word for each takes time


def _message(place: Place, detail: Any, model: type[BaseModel]) -> str:
    key = place[-1] if place else ""
    subject = f'entry {key + 1} of "{place[-2]}"' if isinstance(key, int) else f'"{key}"'
    match detail["type"]:
        case "extra_forbidden":
            return f'unknown key "{key}"' + did_you_mean(str(key), _keys_at(model, place[:-1]))
        case "missing":
            return f'missing key "{key}"'
        case "literal_error" | "enum":
            allowed = detail["ctx"]["expected"].replace("'", '"')
            return f'{subject} cannot be "{detail["input"]}"; use {allowed}'
        case "value_error":
            return str(detail["ctx"]["error"])
        case _:
            expected = _EXPECTED.get(detail["type"], detail["msg"].lower()).format(**detail.get("ctx", {}))
            found = detail["input"]
            quotes = (
                "; put it in quotes" if expected == "a string" and isinstance(found, bool | int | float | date) else ""
            )
            actual = "" if isinstance(key, str) and is_secret_name(key) and quotes else f", found {_kind(found)}"
            return f"{subject} must be {expected}{actual}{quotes}"


_EXPECTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "list_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "greater_than_equal": "a whole number of {ge} or more",
}


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool() | int() | float():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case list():
            return "a list"
        case dict():
            return "keys and values"
        case _:
            return f'"{value}"'


def _keys_at(model: type[BaseModel], place: Place) -> list[str]:
    """The keys that the model knows at a place."""
    current: Any = model
    for step in place:
        if isinstance(step, int):
            continue
        fields = {info.alias or name: info for name, info in current.model_fields.items()}
        annotation = fields[step].annotation
        current = next(
            (part for part in _parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel)),
            None,
        )
        if current is None:
            return []
    return [info.alias or name for name, info in current.model_fields.items()]


def _parts(annotation: Any) -> list[Any]:
    return [annotation, *(part for arg in get_args(annotation) for part in _parts(arg))]
