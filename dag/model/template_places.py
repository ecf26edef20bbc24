"""Where a place in the SQL of a template is in the template's file."""

import re

from dagscope.dag.model.query_parsing import Lines, Place
from dagscope.dag.model.query_text import NotOneQuery, single_query
from dagscope.dag.model.templates import Template

_EXPRESSION = re.compile(r"\{\{.*?\}\}\}?|\{%.*?%\}|\{#.*?#\}")


class TemplatePlaces:
    """Finds the places of one rendering, line by line: those of lines that Jinja has moved are not known."""

    def __init__(self, template: Template, sql: str) -> None:
        self._first_line = template.first_line
        self._written, self._compiled = Lines(_query_of(template.source)).texts, Lines(sql).texts

    def in_file(self, place: Place) -> Place | None:
        """The line and the column in the file; of what an expression has become, where the expression starts."""
        if len(self._written) != len(self._compiled):
            return None
        line = place.line - 1
        column = _column(self._written[line], self._compiled[line], place.column - 1)
        return Place(line + self._first_line, column + 1) if column is not None else None


def _query_of(source: str) -> str:
    """The template without what follows its query, as its SQL is without it."""
    try:
        return single_query(source)
    except NotOneQuery:
        return source


def _column(written: str, compiled: str, column: int) -> int | None:
    """Where a column of a compiled line is in the line as it is written; None if the two do not fit."""
    ends = [0, *(expression.end() for expression in _EXPRESSION.finditer(written))]
    texts = _EXPRESSION.split(written)
    at = 0
    for number, (start, text) in enumerate(zip(ends, texts, strict=True)):
        is_last = number == len(texts) - 1
        found = len(compiled) - len(text) if is_last else compiled.find(text, at)
        if found < at or (number == 0 and found > 0) or not compiled.startswith(text, found):
            return None
        if column < found:  # of what the expression before has become
            return ends[number - 1] + len(texts[number - 1])
        if column < found + len(text):
            return start + column - found
        at = found + len(text)
    return len(written)
