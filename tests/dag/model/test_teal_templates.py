"""Templates of Teal's: Go's, as before 1.0, and Django's, as since."""

import time
from contextlib import suppress

import pytest

from dagscope.dag.ground.errors import ProjectInvalid, TemplateFailed
from dagscope.dag.model.teal_templates import as_jinja
from dagscope.dag.model.templates import TaskValues, split_source
from tests.dag.run.task_run import MakeProject
from tests.projects import block, model

TASK = TaskValues("nightly", "uuid-1", "shop-dag", "uuid-2")


@pytest.mark.parametrize(
    ("template", "sql"),
    [
        ('SELECT * FROM {{ Ref "s.up" }}', "SELECT * FROM s.up"),
        ('SELECT * FROM {{{ Ref "s.up" }}}', "SELECT * FROM s.up"),
        ("SELECT * FROM {{- Ref `s.up` -}} AS up", "SELECT * FROM" + "s.up" + "AS up"),
        ('SELECT \'{{ ENV "TEAL_UNSET" "x" | upper }}\'', "SELECT 'X'"),
        ("SELECT * FROM {{ this }}{{{ if IsIncremental }}} WHERE false{{{ else }}} LIMIT 1{{{ end }}}", None),
        ("SELECT {{ if not IsIncremental }}1{{ end }}", "SELECT 1"),
        ('SELECT {{ if eq (ENV "TEAL_UNSET" "a") "b" }}1{{ else if IsIncremental }}2{{ else }}3{{ end }}', "SELECT 3"),
        ("SELECT {{/* a }} comment */}}1", "SELECT 1"),
        ("SELECT '{{ TaskID() }}', '{{ TaskUUID() }}'", "SELECT 'nightly', 'uuid-1'"),
        ("SELECT '{{ InstanceName() }}', '{{ InstanceUUID }}'", "SELECT 'shop-dag', 'uuid-2'"),
    ],
)
def test_go(make_project: MakeProject, template: str, sql: str | None) -> None:
    """Calls, conditions and comments of Go's templates are understood."""
    project = make_project({model("s.up"): "SELECT 1 AS id", model("s.a"): template})
    expected = sql or "SELECT * FROM s.a LIMIT 1"
    assert project.asset_sql(project.assets["s.a"], TASK, incremental=False) == expected


@pytest.mark.parametrize(
    ("template", "sql"),
    [
        ("SELECT {% comment %}don't {{ x {% endcomment %}1", "SELECT 1"),
        ('SELECT {% ifequal TaskID "nightly" %}1{% else %}2{% endifequal %}', "SELECT 1"),
        ('SELECT {% ifnotequal TaskID "nightly" %}1{% else %}2{% endifnotequal %}', "SELECT 2"),
        ("SELECT {% for n in range(2) %}{{ forloop.Counter }}{{ forloop.Last }}{% endfor %}", "SELECT 1False2True"),
        ("SELECT {% for n in range(3) reversed %}{{ n }}{{ forloop.counter0 }},{% endfor %}9", "SELECT 20,11,02,9"),
        ("SELECT {% for n in [] %}1{% empty %}2{% endfor %}", "SELECT 2"),
        ('SELECT \'{{ ENV("TEAL_UNSET", "")|default:"x" }}\'', "SELECT 'x'"),
        ('SELECT {{ ["a", "b"]|join:", " }}', "SELECT a, b"),
        ('SELECT {{ "" | default : ENV("TEAL_UNSET", "x") | upper }}', "SELECT X"),
        ("SELECT {% for n in [0] %}{{ n|default:forloop.Counter }}{% endfor %}", "SELECT 1"),
        ("SELECT {% if TaskID && !IsIncremental() || false %}1{% endif %}", "SELECT 1"),
        ('SELECT {% with a=1 b="2, 3" %}{{ a }}, {{ b }}{% endwith %}', "SELECT 1, 2, 3"),
        ("SELECT '{% with TaskID as id %}{{ id|upper }}{% endwith %}'", "SELECT 'NIGHTLY'"),
        ("SELECT '{% firstof \"\" TaskID %}'", "SELECT 'nightly'"),
        ("SELECT '{% verbatim %}{{ x }}{% endverbatim %}'", "SELECT '{{ x }}'"),
        ("SELECT {% autoescape off %}1 < {{ 2|safe }}{% endautoescape %}", "SELECT 1 < 2"),
        ('SELECT {% for n in range(3) %}{% cycle "1" "2" %}, {% endfor %}0', "SELECT 1, 2, 1, 0"),
        ("SELECT '{% templatetag openvariable %}'", "SELECT '{{'"),
        ('SELECT {{ {"a"|upper:1}["A"] }}', "SELECT 1"),
    ],
)
def test_django(make_project: MakeProject, template: str, sql: str) -> None:
    """Tags and filters of Django's that Jinja has in other words are understood, and Jinja's own stay."""
    project = make_project({model("s.a"): template})
    assert project.asset_sql(project.assets["s.a"], TASK, incremental=False) == sql


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            '{% now "2006-01-02" %}',
            '"now" is not a statement here: write current_date or current_timestamp, which the database fills in',
        ),
        ("{{ 1|floatformat:2 }}", 'filter "floatformat" is not known here: write "%.2f" | format(a)'),
        ("{{ 1|floatformat }}", 'filter "floatformat" is not known here: write "%.2f" | format(a)'),
        ('{{ TaskID|slice:":3" }}', 'filter "slice" is not known here: write a[1:3]'),
        (
            '{% include "x.sql" %}',
            '"include" is not a statement here: a template cannot read another file: write the text here',
        ),
        (
            "{% for a in [1] %}{{ forloop.Parentloop.Counter }}{% endfor %}",
            (
                '"forloop.Parentloop" is not known here: '
                "write {% set outer = loop %} before the inner loop, and outer.index in it"
            ),
        ),
        ("{% ifequal 1 %}{% endifequal %}", '"ifequal" takes two values: write {% if a == b %} ... {% endif %}'),
        ("{% comment %}", "{% comment %} does not end; write {% endcomment %} after it"),
        ("{{ range .Days }}{{ end }}", '"range" is Go\'s: write {% for a in b %} ... {% endfor %}'),
        ('{{ define "x" }}', '"define" is Go\'s: a file has one block, {{ define "profile.yaml" }} ... {{ end }}'),
        (
            '{{ Ref "s.a" + }}',
            'template syntax: not understood; a call is Name("a", "b"), or as in Go, Name "a" "b"',
        ),
    ],
)
def test_what_jinja_has_no_words_for(make_project: MakeProject, template: str, reason: str) -> None:
    """Any other is refused with the line of the file, and with what to write."""
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("s.a"): block("materialization: view") + "SELECT 1,\n" + template})
    assert str(raised.value) == f"{model('s.a')}:5: {reason}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ Ref staging.x }}", 'Ref staging.x: the name needs quotes; write {{ Ref("staging.x") }}'),
        ("{{{- ref x }}}", 'ref x: the name needs quotes; write {{ ref("x") }}'),
        ("{{ Ref(staging.x) }}", 'Ref staging.x: the name needs quotes; write {{ Ref("staging.x") }}'),
        ('{{ ENV(HOME, "x") }}', 'ENV HOME: the name needs quotes; write {{ ENV("HOME") }}'),
        ("{{ ENV HOME }}", 'ENV HOME: the name needs quotes; write {{ ENV("HOME") }}'),
    ],
)
def test_names_without_quotes(make_project: MakeProject, template: str, reason: str) -> None:
    """A name without quotes is refused with what to write."""
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("s.a"): "SELECT 1,\n" + template})
    assert str(raised.value) == f"{model('s.a')}:2: {reason}"


def test_names_in_variables(make_project: MakeProject) -> None:
    """A variable of the template may hold the name."""
    sql = "{% set up = 's.up' %}SELECT * FROM {{ Ref(up) }}"
    assert make_project({model("s.up"): "SELECT 1", model("s.b"): sql}).assets["s.b"].upstreams == ("s.up",)


def test_lines_stay(make_project: MakeProject) -> None:
    """What is translated keeps the lines of all that follows it."""
    sql = '{%\ncomment %}\n\n{% endcomment\n%}{{\nRef\n"s.up"\n}}{{{\nif\nIsIncremental }}}{{ end }}{{/*\n*/}}\n{{ x }}'
    with pytest.raises(ProjectInvalid) as raised:
        make_project({model("s.up"): "SELECT 1", model("s.a"): sql})
    assert str(raised.value).startswith(f'{model("s.a")}:{sql.count(chr(10)) + 1}: "x" is undefined')


@pytest.mark.parametrize(
    ("text", "template", "line"),
    [
        ("SELECT 1\n" + block("description: a") + "AS id", "SELECT 1\n\n\n\nAS id", 1),
        ("\nSELECT 1\n" + block("description: a"), "SELECT 1", 2),
        ("{# a note #}\n" + block("description: a") + "SELECT 1", "{# a note #}\n\n\n\nSELECT 1", 1),
        ('{{{ define "profile.yaml" }}}\ndescription: a\n{{{ end }}}\nSELECT 1', "SELECT 1", 4),
    ],
)
def test_block_anywhere(text: str, template: str, line: int) -> None:
    """A profile block may be anywhere in its file; what follows it keeps its lines."""
    source = split_source(text)
    assert (source.block.strip(), source.template, source.template_line) == ("description: a", template, line)


def test_block_in_a_comment() -> None:
    """A block that a comment or raw text holds is not read."""
    text = "{# " + block("a: 1") + " #}{% comment %}" + block("a: 1") + "{% endcomment %}" + block("b: 1")
    assert split_source(text).block == "\nb: 1\n"


@pytest.mark.parametrize(
    "part",
    [
        "{{ a ",
        "{{{",
        '{{ "\\"',
        "{% comment %}",
        '{{ Ref "a" }}',
        "{{/* ",
        "{{ a|b:c ",
        "{{ a|b:c(",
        "{{ a|b:c|d:e }}",
        "{# ",
        "{{ (",
        "{% raw %}{",
        "}}",
        '{{ define "profile.yaml" }} ',
        "{{ a.a.a }}",
        "{{ a && b || !c }}",
        "{{      ",
        "{% if a %}",
        "`'\"",
    ],
)
def test_cost_is_linear(part: str) -> None:
    """However tags are opened and not closed, a text 64 times as long takes no more time for each byte."""
    assert _cost_per_byte(part, 1_000_000) < 8 * _cost_per_byte(part, 16_000)


def _cost_per_byte(part: str, size: int) -> float:
    text = part * (size // len(part))
    best = min(_seconds_to_read(text) for _ in range(2))
    return best / len(text)


def _seconds_to_read(text: str) -> float:
    start = time.process_time()
    source = split_source(text)
    with suppress(TemplateFailed):
        as_jinja("a.sql", source.template, 1)
    return time.process_time() - start
