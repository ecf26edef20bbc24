"""Templates of Teal, which are Go's before 1.0 and Django's since, in Jinja's words (contract, Projects).

What Jinja writes in the same way is left as it is. Every line keeps its number.
"""

import re

from dagscope.dag.ground.errors import TemplateFailed
from dagscope.dag.model.go_expressions import NotGo, as_jinja_call, as_jinja_expression
from dagscope.dag.model.template_sandbox import TOKENS
from dagscope.dag.model.template_tags import Tag, Token, tag_after, tokens

VALUES = ("TaskID", "TaskUUID", "InstanceName", "InstanceUUID")
"""The names that are texts, and that Teal's templates call too."""

_FOR_LOOP = {
    "counter": "index",
    "counter0": "index0",
    "revcounter": "revindex",
    "revcounter0": "revindex0",
    "first": "first",
    "last": "last",
}
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_SIGNS = {"&&": " and ", "||": " or ", "!": " not "}
_MORE_ARGUMENTS = {"default": ", true"}  # Django's takes an empty value for a missing one
_RENAMED_FILTERS = {"integer": "int", "make_list": "list", "escapejs": "tojson"}

_OTHER_FILTERS = {
    "add": "a + b",
    "addslashes": """a | replace("'", "''")""",
    "capfirst": "a[:1] | upper ~ a[1:]",
    "cut": 'a | replace("x", "")',
    "date": 'a.strftime("%Y-%m-%d"), or the database\'s own function',
    "time": 'a.strftime("%H:%M"), or the database\'s own function',
    "default_if_none": 'a if a is not none else "x"',
    "divisibleby": "a is divisibleby(2)",
    "floatformat": '"%.2f" | format(a)',
    "get_digit": "a // 10 % 10",
    "length_is": "(a | length) == 2",
    "ljust": '"%-9s" | format(a)',
    "pluralize": '"" if a == 1 else "s"',
    "rjust": '"%9s" | format(a)',
    "slice": "a[1:3]",
    "split": 'a.split(",")',
    "stringformat": '"%5d" | format(a)',
    "truncatechars": "a | truncate(9)",
    "truncatewords": "a | truncate(9)",
    "yesno": '"yes" if a else "no"',
}
_OTHER_FILTERS_WITHOUT_ARGUMENT = _OTHER_FILTERS.keys() - {"slice"}  # Jinja has one of that name

TAKING_A_NAME = frozenset({"Ref", "ref", "ENV"})
"""The functions whose first argument is a name, in quotes."""

_KEYWORDS = frozenset({"if", "else", "and", "or", "in", "is", "not"})
_READS_A_FILE = "a template cannot read another file: write the text here"
_OTHER_TAGS = {
    "now": "write current_date or current_timestamp, which the database fills in",
    "lorem": "write the text itself",
    "ssi": _READS_A_FILE,
    "include": _READS_A_FILE,
    "extends": _READS_A_FILE,
    "import": _READS_A_FILE,
    "from": _READS_A_FILE,
    "ifchanged": "write {% if loop.changed(a) %} ... {% endif %}",
    "spaceless": "delete it and its end: it changes HTML alone",
    "widthratio": "write {{ (a / b * c) | round }}",
}
_TEMPLATE_TAGS = {
    "openblock": "{%",
    "closeblock": "%}",
    "openvariable": "{{",
    "closevariable": "}}",
    "openbrace": "{",
    "closebrace": "}",
    "opencomment": "{#",
    "closecomment": "#}",
}
_GO_STATEMENTS = {
    "range": "write {% for a in b %} ... {% endfor %}",
    "with": "write {% set a = b %}",
    "template": _READS_A_FILE,
    "block": _READS_A_FILE,
    "define": 'a file has one block, {{ define "profile.yaml" }} ... {{ end }}',
}


def as_jinja(path: str, source: str, first_line: int) -> str:
    """The template as Jinja reads it. Raises `TemplateFailed` for what Jinja has no words for, saying what to write."""
    return _Translation(path, source, first_line).translated()


class _Untranslatable(Exception):
    """What is wrong with a tag, and what to write."""


class _Translation:
    def __init__(self, path: str, source: str, first_line: int) -> None:
        self.path, self.source, self.first_line = path, source, first_line
        self.pieces: list[str] = []
        self.open_ifs = self.words = 0

    def translated(self) -> str:
        position = 0
        while tag := tag_after(self.source, position):
            self.pieces.append(self.source[position : tag.start])
            try:
                position = self._add(tag)
            except (_Untranslatable, NotGo) as error:
                line = self.source.count("\n", 0, tag.start) + self.first_line
                raise TemplateFailed(self.path, line, str(error)) from None
        return "".join((*self.pieces, self.source[position:]))

    def _add(self, tag: Tag) -> int:
        """Add the tag as Jinja's; where the text after it begins."""
        written = self.source[tag.start : tag.end]
        if tag.is_comment:
            self.pieces.append(_comment(tag.left, written, tag.right) if tag.opening == "{{/*" else written)
            return tag.end
        words = [token for token in tokens(tag.body, most=2 * TOKENS + 2) if token.kind != "space"]
        self.words += len(words)
        if self.words > TOKENS:
            message = f"template syntax: more than {TOKENS:,} words and signs in its tags; write a shorter template"
            raise _Untranslatable(message)
        name = words[0].text if words and words[0].kind == "word" else ""
        if tag.opening == "{%" and name in ("comment", "raw", "verbatim"):
            return self._add_untouched(tag, name)
        jinja = self._statement(tag, name, words) if tag.opening == "{%" else self._output(tag, name, words)
        self.pieces.append(_with_lines(jinja, written))
        return tag.end

    def _add_untouched(self, tag: Tag, name: str) -> int:
        closing = re.compile(rf"\{{%[-+]?\s*end{name}\s*[-+]?%\}}").search(self.source, tag.end)
        if closing is None:
            raise _Untranslatable(f"{{% {name} %}} does not end; write {{% end{name} %}} after it")
        text = self.source[tag.start : closing.end()]
        if name == "comment":
            text = _comment(tag.left, text, "-" if "-" in closing.group() else "")
        elif name == "verbatim":
            opening, inside = self.source[tag.start : tag.end], self.source[tag.end : closing.start()]
            text = opening.replace(name, "raw", 1) + inside + closing.group().replace(name, "raw", 1)
        self.pieces.append(text)
        return closing.end()

    def _output(self, tag: Tag, name: str, words: list[Token]) -> str:
        """What stands for a tag in double or triple braces."""
        second = words[1] if len(words) > 1 else Token("", "")
        if name == "if" and len(words) > 1:
            self.open_ifs += 1
            return _statement(tag, "if " + as_jinja_expression(words[1:]))
        if name == "else":
            is_elif = second.text == "if"
            return _statement(tag, "elif " + as_jinja_expression(words[2:]) if is_elif else "else")
        if name == "end" and len(words) == 1 and self.open_ifs:
            self.open_ifs -= 1
            return _statement(tag, "endif")
        if name in _GO_STATEMENTS and _is_go(tag.body.lstrip()[len(name) :], second):
            raise _Untranslatable(f'"{name}" is Go\'s: {_GO_STATEMENTS[name]}')
        if name in TAKING_A_NAME and second.kind == "word" and second.text not in _KEYWORDS:
            raise _Untranslatable(unquoted(name, _named(words[1:])))
        if name and name != "not" and second.kind == "string":
            return "{{" + tag.left + " " + as_jinja_call(words) + " " + tag.right + "}}"
        return "{{" + tag.left + _padded(_expression(tag.body), tag) + tag.right + "}}"

    def _statement(self, tag: Tag, name: str, words: list[Token]) -> str:
        """What stands for a tag of a statement."""
        arguments = tag.body.lstrip().removeprefix(name)
        match name:
            case "ifequal" | "ifnotequal":
                return _statement(tag, _comparison(name, arguments))
            case "endifequal" | "endifnotequal":
                return _statement(tag, "endif")
            case "empty":
                return _statement(tag, "else")
            case "for":
                return _statement(tag, _loop(words, arguments))
            case "with":
                return _statement(tag, _assignments(arguments))
            case "autoescape":
                return _statement(tag, _autoescape(arguments.strip()))
            case "firstof":
                values = " or ".join(map(_expression, _split(arguments))) or '""'
                return "{{" + tag.left + " " + values + " " + tag.right + "}}"
            case "cycle" if " as " not in f"{arguments} ":
                values = ", ".join(map(_expression, _split(arguments)))
                return "{{" + tag.left + f" loop.cycle({values}) " + tag.right + "}}"
            case "templatetag" if arguments.strip() in _TEMPLATE_TAGS:
                return "{{" + tag.left + f' "{_TEMPLATE_TAGS[arguments.strip()]}" ' + tag.right + "}}"
            case _ if name in _OTHER_TAGS:
                raise _Untranslatable(f'"{name}" is not a statement here: {_OTHER_TAGS[name]}')
        return "{%" + tag.left + _expression(tag.body) + tag.right + "%}"


def unquoted(function: str, name: str) -> str:
    """What is wrong where a function's argument has no quotes, and what to write."""
    return f'{function} {name}: the name needs quotes; write {{{{ {function}("{name}") }}}}'


def _named(words: list[Token]) -> str:
    """The name that a tag's words begin with: `staging.orders`."""
    end = 1
    while end + 1 < len(words) and words[end].text == "." and words[end + 1].kind == "word":
        end += 2
    return "".join(word.text for word in words[:end])


def _is_go(rest: str, second: Token) -> bool:
    """If what follows a word makes it Go's statement and not a name of Jinja's."""
    return second.kind in ("string", "word") or (second.text in ("$", ".") and rest[:1].isspace())


def _statement(tag: Tag, words: str) -> str:
    return "{%" + tag.left + f" {words} " + tag.right + "%}"


def _comment(left: str, written: str, right: str) -> str:
    """A comment of as many lines, whatever was in it."""
    return "{#" + left + "\n" * written.count("\n") + right + "#}"


def _with_lines(jinja: str, written: str) -> str:
    """The tag with as many lines as it had."""
    missing = written.count("\n") - jinja.count("\n")
    if not missing:
        return jinja
    before = jinja[:-2].rstrip("-+")
    return before + "\n" * missing + jinja[len(before) :]


def _padded(body: str, tag: Tag) -> str:
    return f" {body} " if tag.opening == "{{{" else body


def _expression(body: str) -> str:
    """An expression or statement with Django's filters, signs and `forloop` as Jinja's."""
    if not any(sign in body for sign in ("|", "&&", "!", "forloop", *VALUES)):
        return body
    found, written, depth, place = tokens(body), [], 0, 0
    while place < len(found):
        token = found[place]
        if token.kind == "sign":
            depth += (token.text in "[{") - (token.text in "]}") if len(token.text) == 1 else 0
        texts = [following.text for following in found[place : place + 3]]
        if token.kind == "word" and texts[0] == "forloop" and texts[1:2] == ["."]:
            written.append(_loop_name(texts[2] if len(texts) > 2 else ""))
            place += 3
        elif texts[0] == "|":
            place = _add_filter(found, place, depth, written)
        elif texts[0] in VALUES:
            written.append(texts[0])
            place += 3 if texts[1:] == ["(", ")"] else 1
        else:
            written.append(_SIGNS.get(token.text, token.text) if token.kind == "sign" else token.text)
            place += 1
    return "".join(written)


def _loop_name(name: str) -> str:
    if name.lower() in _FOR_LOOP:
        return "loop." + _FOR_LOOP[name.lower()]
    hint = "write {% set outer = loop %} before the inner loop, and outer.index in it"
    raise _Untranslatable(
        f'"forloop.{name}" is not known here: {hint if name.lower() == "parentloop" else "write loop"}'
    )


def _add_filter(found: list[Token], place: int, depth: int, written: list[str]) -> int:
    """Add the filter that begins at `place`; the place after it."""
    named = _after_spaces(found, place + 1)
    written.extend(token.text for token in found[place:named])
    if named == len(found) or found[named].kind != "word":
        return named
    name = found[named].text
    colon = _after_spaces(found, named + 1)
    has_argument = not depth and colon < len(found) and found[colon].text == ":"
    if name in (_OTHER_FILTERS if has_argument else _OTHER_FILTERS_WITHOUT_ARGUMENT):
        raise _Untranslatable(f'filter "{name}" is not known here: write {_OTHER_FILTERS[name]}')
    name = _RENAMED_FILTERS.get(name, name)
    if not has_argument:
        written.append(name)
        return named + 1
    start = _after_spaces(found, colon + 1)
    end = _end_of_value(found, start)
    argument = "".join(token.text for token in found[start:end])
    if "|" not in argument:  # filters inside a call are left to Jinja: they could nest without end
        argument = _expression(argument)
    written.append(f"{name}({argument}{_MORE_ARGUMENTS.get(name, '')})")
    return end


def _after_spaces(found: list[Token], place: int) -> int:
    while place < len(found) and found[place].kind == "space":
        place += 1
    return place


def _end_of_value(found: list[Token], start: int) -> int:
    """Where a literal, a name or a call ends: `"x"`, `loop.index`, `ENV("A", "b")`."""
    end = start + 1
    while end + 1 < len(found) and found[end].text == "." and found[end + 1].kind == "word":
        end += 2
    if end >= len(found) or found[end].text != "(" or found[start].kind != "word":
        return end
    depth = 0
    for place in range(end, len(found)):
        depth += (found[place].text in _OPENING) - (found[place].text in _CLOSING)
        if not depth:
            return place + 1
    return len(found)


def _split(arguments: str) -> list[str]:
    """The arguments of a tag: what spaces part outside of brackets."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens(arguments.strip()):
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        if token.kind == "space" and not depth:
            parts.append([])
        else:
            parts[-1].append(token.text)
    return ["".join(part) for part in parts if part]


def _comparison(name: str, arguments: str) -> str:
    values = _split(arguments)
    sign = "==" if name == "ifequal" else "!="
    if len(values) != 2:
        raise _Untranslatable(f'"{name}" takes two values: write {{% if a {sign} b %}} ... {{% endif %}}')
    return f"if {_expression(values[0])} {sign} {_expression(values[1])}"


def _loop(words: list[Token], arguments: str) -> str:
    rest = arguments.rstrip()
    filters = ""
    for word, name in (("sorted", "sort"), ("reversed", "reverse")):
        if len(words) > 4 and re.search(rf"\s{word}$", rest):
            rest, filters = rest[: -len(word)].rstrip(), f"|{name}{filters}"
    if not filters:
        return "for" + _expression(arguments)
    names, _, values = rest.partition(" in ")
    return f"for{names} in ({_expression(values)}){filters}"


def _assignments(arguments: str) -> str:
    values = _split(arguments)
    if len(values) == 3 and values[1] == "as":
        return f"with {values[2]}={_expression(values[0])}"
    is_jinja = any(token.text == "," for value in values for token in tokens(value)[-1:]) or len(values) == 1
    if is_jinja or not all("=" in value.strip("=") for value in values):
        return "with" + _expression(arguments)
    return "with " + ", ".join(map(_expression, values))


def _autoescape(value: str) -> str:
    if value == "on":
        raise _Untranslatable('"autoescape on" would write HTML into SQL: delete it and its end')
    return "autoescape false" if value == "off" else f"autoescape {value}"
