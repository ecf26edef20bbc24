"""Go's way to write calls, `eq (ENV "A" "b") "c"`, in Jinja's: `(ENV("A", "b") == "c")`."""

from dagscope.dag.model.template_tags import Token

DEPTH = 50
"""Brackets within brackets that are read."""

_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "and", "or": "or"}


class NotGo(Exception):
    """The words are no call as Go writes one."""

    def __init__(self) -> None:
        super().__init__('template syntax: not understood; a call is Name("a", "b"), or as in Go, Name "a" "b"')


def as_jinja_expression(words: list[Token]) -> str:
    """A condition of Go's in Jinja's words. Raises `NotGo`."""
    reading = _Reading(words)
    expression = reading.call(DEPTH)
    if reading.place < len(words):
        raise NotGo
    return expression


def as_jinja_call(words: list[Token]) -> str:
    """The same of a call, which filters may follow: `ENV "A" | upper`."""
    reading = _Reading(words)
    call = reading.call(DEPTH)
    if reading.place < len(words) and reading.next_text != "|":
        raise NotGo
    return call + "".join(_spaced(word) for word in words[reading.place :])


def _spaced(word: Token) -> str:
    return f" {word.text}" if word.kind == "word" else word.text


class _Reading:
    def __init__(self, words: list[Token]) -> None:
        self.words, self.place = words, 0

    @property
    def next_text(self) -> str:
        return self.words[self.place].text if self.place < len(self.words) else ""

    def call(self, depth: int) -> str:
        """A value, or the name of a function and the values that it is given."""
        first = self._value(depth)
        values = []
        while self.next_text not in ("", ")", "|"):
            values.append(self._value(depth))
        if not values:
            return first
        if first == "not" and len(values) == 1:
            return f"(not {values[0]})"
        if first == "len" and len(values) == 1:
            return f"({values[0]}|length)"
        if first in _OPERATORS and len(values) > 1:
            return "(" + f" {_OPERATORS[first]} ".join(values) + ")"
        if not first.isidentifier():
            raise NotGo
        return f"{first}({', '.join(values)})"

    def _value(self, depth: int) -> str:
        if self.place == len(self.words) or not depth:
            raise NotGo
        word = self.words[self.place]
        self.place += 1
        if word.text == "(":
            value = self.call(depth - 1)
            if self.next_text != ")":
                raise NotGo
            self.place += 1
            return value
        if word.kind == "string":
            return _string(word.text)
        if word.kind == "number":
            return word.text
        if word.kind == "word":
            if [following.text for following in self.words[self.place : self.place + 2]] == ["(", ")"]:
                self.place += 2  # without them it is the same
            return word.text
        raise NotGo


def _string(text: str) -> str:
    if not text.startswith("`"):
        return text
    return '"' + text.strip("`").replace("\\", "\\\\").replace('"', '\\"') + '"'
