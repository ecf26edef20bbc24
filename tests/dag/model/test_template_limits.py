"""No template takes long, produces too much, or nests endlessly: it fails with the limit that it reaches."""

import time

import pytest

from dagscope.dag.ground.errors import TemplateFailed
from dagscope.dag.model.dialect import Dialect
from dagscope.dag.model.template_meter import Meter
from dagscope.dag.model.templates import MODEL_NAMES, Rendering, Template

pytestmark = pytest.mark.slow

STEPS = "the template takes more than 500,000 steps; make its loops shorter"
CHARACTERS = "the template produces more than 16,777,216 characters; shorten its output"
WIDTH = "a width, an indentation or a number of items is at most 10,000"
FORMAT_WIDTH = "a width in a format is at most 9,999"
BITS = "a number in the template has more than 65,536 bits"
ENDLESS = "endless recursion in a macro or loop"
DEEP = "template syntax: nested too deeply"

GROWING = "{%% set ns = namespace(a='ab') %%}{%% for n in range(60) %%}%s{%% endfor %%}{{ ns.a }}"
"""A loop that makes `ns.a` larger each time."""


def rendered(source: str, time_limit_s: float = 1) -> str:
    """The result of the template."""
    rendering = Rendering(relation_of=str, dialect=Dialect(), meter=Meter(time_limit_s))
    return Template("a.sql", source, 1, MODEL_NAMES).render(rendering)


def failure(source: str) -> str:
    """Why the template cannot be rendered; asserts that this takes less than two seconds."""
    began_at = time.thread_time()
    with pytest.raises(TemplateFailed) as raised:
        Template("a.sql", source, 1, MODEL_NAMES).render(
            Rendering(relation_of=str, dialect=Dialect(), meter=Meter(time_limit_s=60))
        )
    assert time.thread_time() - began_at < 2
    return raised.value.reason


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(90) }}",
        "{% for a in [1] recursive %}{% if loop.depth < 4 %}{{ loop(range(99999)) }}{% endif %}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | select('odd') | list | length }}{% endfor %}",
    ],
    ids=["loops", "macros", "recursive loop", "filter"],
)
def test_steps(source: str) -> None:
    """Endless repetition ends, in loops, in macros, and in filters over generated values."""
    assert failure(source) == STEPS


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ [[1] * 1000] * 1000000 }}",
        "{{ ('%9999d' * 9999) % 1 }}",
        "{{ ('{0:9999}' * 9999).format(1) }}",
        "{{ ('a' * 100000).replace('a', 'b' * 1000) }}",
        "{{ ('a' * 100000) | replace('', 'b' * 1000) }}",
        "{{ ('a' * 9999).join(range(9999) | map('string')) }}",
        "{{ range(9999) | join('a' * 9999) }}",
        "{{ ('a\n' * 99999) | indent(9999) }}",
        "{{ 'a\nb' | indent('c' * 9999999) }}",
        "{{ ('a' * 9999).translate({97: 'b' * 9999}) }}",
        "{% for n in range(99999) %}" + "a" * 9999 + "{% endfor %}",
        "{% macro m() %}" + "a" * 9999 + "{% endmacro %}{% for n in range(99999) %}{{ m() }}{% endfor %}",
        "{% set a = [1] %}{% for n in range(60) %}{{ a.extend(a) }}{% endfor %}",
        *(
            GROWING % grown
            for grown in (
                "{% set ns.a = ns.a ~ ns.a %}",
                "{% set ns.a = ns.a + ns.a %}",
                "{% set ns.a = [ns.a, ns.a] %}",
                "{% set ns.a = {1: ns.a, 2: ns.a} %}",
                "{% set ns.a = namespace(a=ns.a, b=ns.a) %}",
                "{% set ns.a %}{{ ns.a }}{{ ns.a }}{% endset %}",
                "{% set ns.a = '%s%s' % (ns.a, ns.a) %}",
                "{% set ns.a = ns.a[:] ~ ns.a %}",
            )
        ),
    ],
)
def test_characters(source: str) -> None:
    """Endless growth is refused before the memory is allocated, however it is caused."""
    assert failure(source) == CHARACTERS


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ '%0999999999d' % 1 }}", FORMAT_WIDTH),
        ("{{ '%0999999999d' | format(1) }}", FORMAT_WIDTH),
        ("{{ '{:>999999999}'.format(1) }}", FORMAT_WIDTH),
        ("{{ '%*d' % (999999999, 1) }}", WIDTH),
        ("{{ '{:{}}'.format(1, 999999999) }}", WIDTH),
        ("{{ 'a' | center(10000000000) }}", WIDTH),
        ("{{ 'a'.center(10000000000) }}", WIDTH),
        ("{{ ['a'] | map('center', 10000000000) | list }}", WIDTH),
        ("{% filter center(10000000000) %}a{% endfilter %}", WIDTH),
        ("{{ [1] | batch(1000000000, 'a') | list }}", WIDTH),
        ("{{ [1] | slice(1000000000) | list }}", WIDTH),
        ("{{ [1] | tojson(indent=1000000000) }}", WIDTH),
        ("{{ 1.5 | round(1000000000, 'ceil') }}", WIDTH),
        ("{{ (1).to_bytes(10000000000, 'big') }}", WIDTH),
        ("{{ 9**(9**9) }}", BITS),
        ("{% set ns = namespace(a=3) %}{% for n in range(60) %}{% set ns.a = ns.a * ns.a %}{% endfor %}", BITS),
        ("{{ lipsum(n=20000) }}", "lipsum returns at most 100,000 words"),
        ("{{ ('<!---->' * 99999) | striptags }}", '"striptags" accepts at most 65,536 characters'),
        (
            "{{ ('a' * 999999).rfind('b' + 'a' * 99999) }}",
            'the strings of "rfind" are too long; search a shorter string',
        ),
    ],
)
def test_what_one_call_makes(source: str, reason: str) -> None:
    """An operation that Python would do in one long call is refused before it starts."""
    assert failure(source) == reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", ENDLESS),
        ("{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", ENDLESS),
        ("{% for a in [1] %}" * 25 + "{% endfor %}" * 25, DEEP),
        ("{% if true %}" * 3000 + "{% endif %}" * 3000, DEEP),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", DEEP),
        ("{{ 1" + " | int" * 5000 + " }}", DEEP),
        (
            "{{ 1 }}" * 9999,
            "template syntax: more than 20,000 tokens in its tags; write a shorter template",
        ),
    ],
)
def test_nesting_and_length(source: str, reason: str) -> None:
    """A template that nests too deeply, or would take too long to compile, is reported in one line."""
    assert failure(source) == reason


def test_time() -> None:
    """A rendering ends at its time limit, whatever it is doing."""
    with pytest.raises(TemplateFailed) as raised:
        rendered("{% for a in range(99999) %}{{ range(9) | list }}{% endfor %}", time_limit_s=0.01)
    assert raised.value.reason == "the template takes longer than 0.01 s; make its loops shorter"


@pytest.mark.parametrize(
    ("source", "sql"),
    [
        ("{% for n in range(3) %}{{ n }}{{ ',' if not loop.last }}{% endfor %}", "0,1,2"),
        (
            "{% for n in range(9) | batch(3) %}{{ loop.length }}{{ n | join('+') }};{% endfor %}",
            "30+1+2;33+4+5;36+7+8;",
        ),
        ("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}", "a=1"),
        ("{% autoescape true %}a < {{ 'b' }}{% endautoescape %}", "a < b"),
        ("{{ ['a', 'b'] | map('upper') | join(', ') }}{{ '%05d' % 7 }}{{ 'x' | center(3) }}", "A, B00007 x "),
        ("{{ '{}-{:>3}'.format(1, 2) }}{{ [1, 2][0] }}{{ 'abc'[1:] }}{{ 1 < 2 < 3 }}", "1-  21bcTrue"),
        ("{% for n in [3, 1] if n > 1 %}{{ n }}{% else %}none{% endfor %}", "3"),
    ],
)
def test_what_templates_are_for(source: str, sql: str) -> None:
    """Counting does not change the result of templates."""
    assert rendered(source) == sql


def test_filters_of_every_kind() -> None:
    """Filters that need Jinja's context or environment get it."""
    assert rendered("{{ [{'a': 2}, {'a': 1}] | sort(attribute='a') | map(attribute='a') | list }}") == "[1, 2]"
    assert rendered("{{ ['a', 'b'] | select('in', ['b']) | list }}{{ 'a' | xmlattr if false else 1 }}") == "['b']1"
