"""Twice the text costs twice the time, whatever it contains: no code that reads users' text can be made to hang."""

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import thread_time

import pytest

from dagscope.dag.connections.duckdb.errors import error_offset
from dagscope.dag.events.error_info import describe_error
from dagscope.dag.events.task_log import RawAssetLog, TaskLog
from dagscope.dag.ground.errors import TemplateFailed
from dagscope.dag.ground.json_text import json_text
from dagscope.dag.ground.terminal_text import shown
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.query_text import NotOneQuery, single_query
from dagscope.dag.model.templates import MODEL_NAMES, Rendering, Template, secret_environment, split_source
from dagscope.dag.project.yaml_file import read_yaml
from dagscope.dag.redaction.redaction import Redaction
from dagscope.dag.redaction.sql_secrets import hide, is_secret_name, secrets_in
from dagscope.server.api.code_lines import LONGEST_CODE
from dagscope.server.api.code_tokens import Span, lines_of, python_spans, sql_spans

SMALL, LARGE = 16 << 10, 1 << 20  # characters
MOST_A_CHARACTER = 4  # times what a character of the small text costs; a quadratic cost would be 64 times that

REPEATED = {
    "words": "token_",
    "letters": "a",
    "spaces": " ",
    "lines": "\n",
    "line comments": "-- SET password = 'x' \n",
    "block comments": "/* x */ ",
    "comments that open": "/* ",
    "comments that close": "*/ ",
    "texts": "'it''s' ",
    "quotes": "'",
    "double quotes": '"',
    "backslashes": "E'\\",
    "dollars": "$",
    "semicolons": "; ",
    "braces": "{{ ",
    "blocks": "{{ end {% if ",
    "references": '{{ Ref("a',
    "functions": "ENV('",
    "brackets": "[({",
    "closed brackets": "[] ",
    "commas": ",",
    "aliases": "&a *a ",
    "keys": "k: v\n",
    "pairs": "host=h password=x ",
    "quoted pairs": "password='x",
    "doubled pairs": "password=''x",
    "settings": "SET GLOBAL token_ ",
    "set settings": "SET s3_secret = 'x' ; UPDATE ",
    "named": "PASSWORD 'x' ",
    "created": "CREATE SECRET (TYPE s3, SECRET 'x') ",
    "names of created": "CREATE SECRET x ",
    "created that open": "CREATE SECRET (",
    "quoted names of created": 'CREATE SECRET "',
    "addresses": "a://b:c@d ",
    "addresses that open": "a://b:",
    "at signs": "@",
    "queries": "?token=a&",
    "excerpts": "LINE 1: ...a...\n     ^\n",
    "escapes": "\x1b[0m",
    "wide letters": "漢\u0301é😀",
    "dotted capitals": "\u0130",
}


def numbered(before: str) -> Callable[[int], str]:
    return lambda length: "".join(f"{before}$t{number}$ " for number in range(length // (len(before) + 8)))


TEXTS: dict[str, Callable[[int], str]] = {
    **{name: lambda length, unit=unit: unit * (length // len(unit)) for name, unit in REPEATED.items()},  # type: ignore[misc]
    "tags": numbered(""),
    "tags after SET": numbered("SET token = "),
    "tags after a name": numbered("PASSWORD "),
    "one long setting": lambda length: "SET " + "token_" * (length // 6),
    "options": lambda length: "CREATE SECRET (a " + "b, c 'd', " * (length // 10),
    "comments in options": lambda length: "CREATE SECRET (a " + "/* " * (length // 3),
}

MANY_SECRETS = Redaction(f"s3cr3t-{number}-{'x' * (number % 50)}" for number in range(1_000))
LOG = RawAssetLog(TaskLog(lambda event: None, MANY_SECRETS, "t", 1))


def query(text: str) -> None:
    for sql in (text, f"SELECT {text} ; {text}"):
        with suppress(NotOneQuery):
            single_query(sql)


def template(text: str) -> None:
    source = split_source('{{ define "profile.yaml" }}' + text)
    with suppress(TemplateFailed):
        Template("a.sql", source.template, source.template_line, MODEL_NAMES).render(Rendering(str, Dialect()))
    list(secret_environment(text))
    Dialect().literal([text, {"a": text}])


def log(text: str) -> None:
    LOG.info(text, text=text)
    describe_error(ValueError(text), Path(), MANY_SECRETS.text)


def highlighted(spans: Callable[[str], Iterator[Span]]) -> Callable[[str], object]:
    return lambda text: deque(lines_of(text, spans(text)), maxlen=0)


READERS: dict[str, Callable[[str], object]] = {
    "hide": hide,
    "secrets_in": secrets_in,
    "is_secret_name": is_secret_name,
    "learn": lambda text: Redaction().learn(text),
    "many secrets": MANY_SECRETS.text,
    "query": query,
    "template": template,
    "yaml": lambda text: read_yaml("a.yaml", text),
    "log": log,
    "json": json_text,
    "terminal": shown,
    "highlighted sql": highlighted(lambda text: sql_spans(text, ["a.x"])),
    "highlighted python": highlighted(python_spans),
    "duckdb error": lambda text: error_offset(text, f"LINE 1: {text}\n   ^"),
}


LONGEST = {"highlighted sql": LONGEST_CODE, "highlighted python": LONGEST_CODE}
"""Characters of the large text for those that read no longer ones."""


@contextmanager
def no_collections() -> Iterator[None]:
    """The cost of a garbage collection depends on what other tests left behind."""
    gc.disable()
    yield
    gc.enable()


def seconds_a_character(read: Callable[[str], object], text: str) -> float:
    started = thread_time()
    read(text)
    return (thread_time() - started) / len(text)


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
def test_cost_grows_with_the_length(reader: str) -> None:
    """A character of 1 MB, or of the longest text that is read, costs about as much as one of 16 KB, for any text."""
    read, large, dear = READERS[reader], LONGEST.get(reader, LARGE), {}
    with no_collections():
        for name, text in TEXTS.items():
            small = min(seconds_a_character(read, text(SMALL)) for _ in range(3))
            for _ in range(3):  # the machine may be busy
                ratio = seconds_a_character(read, text(large)) / small
                if ratio < MOST_A_CHARACTER:
                    break
            else:
                dear[name] = round(ratio, 1)
    assert dear == {}


def test_cost_grows_with_the_references() -> None:
    """A template that names thousands of assets takes about as long per asset as one that names a few."""

    def seconds_a_reference(number: int) -> float:
        template = Template("a.sql", "{% if true %}{{ Ref('a') }}\n{% endif %}" * number, 1, MODEL_NAMES)
        rendering = Rendering(str, Dialect())
        return seconds_a_character(lambda text: template.render(rendering), "x" * number)

    with no_collections():
        assert seconds_a_reference(1_500) / min(seconds_a_reference(200) for _ in range(3)) < MOST_A_CHARACTER
