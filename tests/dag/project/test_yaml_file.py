"""YAML with the line of each key and value."""

from itertools import pairwise

import pytest

from dagscope.dag.connections.duckdb.config import DuckDBConfig
from dagscope.dag.connections.postgres.config import PostgresConfig
from dagscope.dag.model.file_shapes import ConfigFile, ModelKeys, ProfileFile
from dagscope.dag.project.yaml_file import Model, read_model, read_yaml

MATERIALIZATIONS = '"table", "incremental", "view", "custom" or "raw"'


def problems_of(text: str, model: type[Model]) -> list[str]:
    """The problems of a text of this shape, by line."""
    document = read_yaml("a.yaml", text)
    read_model(document, model)
    return [f"{problem.line}: {problem.message}" for problem in document.problems]


def test_lines_of_values() -> None:
    """Each key and list entry has its line, counted from the line where the text starts in its file."""
    document = read_yaml(
        "a.sql", "\nname: shop\nindexes:\n  - name: by_id\n    fields: [id,\n      day]\n", first_line=3
    )
    assert document.values == {"name": "shop", "indexes": [{"name": "by_id", "fields": ["id", "day"]}]}
    assert document.line(("name",)) == 4
    assert document.line(("indexes", 0, "fields", 1)) == 8
    assert document.line(("indexes", 0, "unique")) == 6


def test_secrets_are_not_told() -> None:
    """A problem with a password does not contain the password."""
    assert problems_of("password: !hunter2 x", PostgresConfig) == [
        "1: not valid YAML: could not determine a constructor for the tag ***"
    ]
    assert problems_of("password: 2024-01-01", PostgresConfig) == ['1: "password" must be a string; put it in quotes']


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("is_data_framed: 'yes'", '1: "is_data_framed" must be true or false, found "yes"'),
        ("is_data_framed: 1", '1: "is_data_framed" must be true or false, found 1'),
        ("persist_inputs: [true]", '1: "persist_inputs" must be true or false, found a list'),
        ("description: 7", '1: "description" must be a string, found 7; put it in quotes'),
        ("connection: {name: duck}", '1: "connection" must be a string, found keys and values'),
        ("indexes: by_id", '1: "indexes" must be a list, found "by_id"'),
        ("tests:\n  - name: a\n  - nam: b", '3: missing key "name"\n3: unknown key "nam"; did you mean "name"?'),
        ("indexes:\n  - name: by_id\n    fields:", '3: "fields" must be a list, found nothing'),
        ("materialization: x", f'1: "materialization" cannot be "x"; use {MATERIALIZATIONS}'),
        ("connection: no", '1: "connection" must be a string, found false; put it in quotes'),
        ("connection: 2024-12-01", '1: "connection" must be a string, found "2024-12-01"; put it in quotes'),
        ("primary_key_fields: [id, [day]]", '1: entry 2 of "primary_key_fields" must be a string, found a list'),
        ("tests: [positive]", '1: entry 1 of "tests" must be keys and values, found "positive"'),
        ("index: []", '1: unknown key "index"; did you mean "indexes"?'),
    ],
)  # fmt: skip
def test_keys_of_a_model(text: str, problem: str) -> None:
    """A value that does not fit is reported with its key, what is expected and what was found."""
    assert problems_of(text, ModelKeys) == problem.split("\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cores: 1.5", '1: "cores" must be a whole number, found 1.5'),
        ("cores: -1", '1: "cores" must be a whole number of 0 or more, found -1'),
        ("cores: '4'", '1: "cores" must be a whole number, found "4"'),
        ("connections: duck", '1: "connections" must be a list, found "duck"'),
        ("connections:\n  - name: duck", '2: missing key "type"'),
        ("connections:\n  - {name: a, type: b, config: [1]}", '2: "config" must be keys and values, found a list'),
        ("42", "1: expected keys and values, found 42"),
    ],
)  # fmt: skip
def test_config_file(text: str, problem: str) -> None:
    """The values of config.yaml are checked just as strictly."""
    assert problems_of(text, ConfigFile) == [problem]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("path: a\npathenv: B", 2, 'unknown key "pathenv"; did you mean "path_env"?'),
        ("extra_params: []", 1, 'unknown key "extra_params"; did you mean "extraParams"?'),
        ("extraParams:\n  - {name: a, valu: 1}", 2, 'unknown key "valu"; did you mean "value"?'),
        ("extraParams:\n  - {name: a}", 2, 'parameter "a" needs either "value" or "value_env"'),
        ("extraParams:\n  - {name: a, value: [1]}", 2, '"value" must be a string, found a list'),
    ],
)  # fmt: skip
def test_config_of_duckdb(text: str, line: int, problem: str) -> None:
    """The `config` of a connection is checked just as strictly, under the names that the file uses."""
    assert problems_of(text, DuckDBConfig) == [f"{line}: {problem}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: [shop", "1: not valid YAML: did not find expected ',' or ']'"),
        ("name: shop\n\tconnection: duck", "2: not valid YAML: found a tab character that violates indentation"),
        ("name: shop\n---\nname: other", "2: not valid YAML: but found another document"),
        ("name: !env SHOP", "1: not valid YAML: could not determine a constructor for the tag '!env'"),
        ("name: 'shop", "1: not valid YAML: found unexpected end of stream"),
        ("name: shop\nname: shop", '2: key "name" appears twice, first on line 1; keep one'),
        ("name: !!int shop", "1: not valid YAML: invalid literal for int() with base 10: 'shop'"),
        ("name: " + 3_000 * "[" + 3_000 * "]", "1: not valid YAML: nested more than 100 levels deep"),
        ("name: &a [*a]", "0: not valid YAML: an alias that contains itself"),
        (
            "a: &a x\n" + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdef")),
            "6: not valid YAML: more than 100,000 keys and values, counting what aliases stand for",
        ),
    ],
    ids=["open list", "tab", "documents", "tag", "open quote", "twice", "number", "deep", "ring", "bomb"],
)  # fmt: skip
def test_text_that_is_no_yaml(text: str, problem: str) -> None:
    """Whatever the text is, reading it results in a problem and not in an exception."""
    assert problems_of(text, ProfileFile) == [problem]


def test_numbers_where_a_text_is_meant() -> None:
    """A version that YAML reads as a number becomes its text."""
    document = read_yaml("a.yaml", "version: 2.0\nmodule: shop\ncores: 2\nconnections:")
    config = read_model(document, ConfigFile)
    assert config is not None
    assert (config.version, config.cores, config.connections) == ("2.0", 2, [])
