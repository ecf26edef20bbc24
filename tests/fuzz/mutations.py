"""Ways to damage a project: its YAML, templates, SQL, Python, names, links and devices."""

import os
import random
from collections.abc import Callable
from pathlib import Path

from tests.projects import PROFILE, block, model, raw

FILES = {
    "config.yaml": (
        "version: 1.0.0\nmodule: example.com/fuzz\ncores: 2\nconnections:\n  - name: duck\n    type: duckdb\n"
        "    config:\n      path: store/fuzz.duckdb\n      extensions:\n      extraParams:\n"
        "        - {name: threads, value: 2}\n"
    ),
    "profile.yaml": PROFILE
    + "models:\n  stages:\n    - name: mart\n      models:\n        - name: report\n"
    + "          raw_upstreams: [mart.sales]\n",
    model("staging.orders"): block("materialization: view\ndescription: |\n  Orders.\ntests:\n  - name: unique")
    + "SELECT id, '{{ TaskID }}' AS task FROM range({{ param('n', 3) }}) AS t(id); -- all\n",
    model("mart.sales"): block("materialization: incremental\nis_data_framed: true\nprimary_key_fields: [id]")
    + "{% set days = [1, 2] %}SELECT * FROM {{ Ref('staging.orders') }}\n"
    + "{% if IsIncremental() %}WHERE id > (SELECT max(id) FROM {{ this() }}){% endif %}\n"
    + "{% for day in days %}/* {{ day | string | center(5) }} */{% endfor %}\n",
    raw("mart.report"): "import math\n\n\ndef execute(context):\n    return {'rows': math.sqrt(4), 'of': [1, 2]}\n",
    "assets/tests/staging/unique.sql": "SELECT id FROM {{ Ref('staging.orders') }} GROUP BY id HAVING count(*) > 1",
}
"""The files of a valid project, by path."""

_BITS = (
    "{{ {% {# %} }} #} {{- -}} {% raw %} {% for x in range(99999) %} {% endfor %} {% if a %} {% endif %} "
    "{% set x = x ~ x %} "
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }} {{ 'a' * 10**10 }} {{ '%999999999d' % 1 }} {{ 'a'|center(9**9) }} "
    "{{ [1]*10**9 }} {{ 9**(9**9) }} {{ x.extend(x) }} {{ lipsum(9999) }} {{ Ref('a.b') }} {{ Ref( }} {{ Ref }} "
    "{{ ENV('') }} "
    "{{ ''.__class__ }} {% include 'a' %} {% extends 'a' %} {{ loop }} {{ self }} {{ caller() }} {{ range(10**9) }} "
    "{{ define \"profile.yaml\" }} {{ end }} ; -- /* */ $$ $a$ ' \" E'\\' \\ ( ) [ ] { } : - & * ! | > ? , # % @ ` "
    "&a *a <<: !!python/object:os.system !!binary --- ... ~ null true 1e999 0x 9:9:9 2013-13-13 \0 \x1b[31m \ufeff "
    "\u2028 \ud83d "
    "lambda: async def await match x: case f'{ 0x_ 1__1 10**10**8 @ := *a **k \t \r \x0c é \U0001f600"
).split(" ")

_REPEATED = (
    "(",
    "[",
    "{",
    "{% for a in [1] %}",
    "{% if a %}",
    "- ",
    "[",
    "a: ",
    "1+",
    "-",
    "not ",
    "&a [*a, ",
    "$a$",
    "'",
    "x" * 99,
)

Mutation = Callable[[random.Random, Path], None]


def mutate(generator: random.Random, folder: Path) -> None:
    """Damage the project in `folder` in one to four ways."""
    for _ in range(generator.randint(1, 4)):
        generator.choice(_MUTATIONS)(generator, folder)


def _any_file(generator: random.Random, folder: Path) -> Path:
    return folder / generator.choice(list(FILES))


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "surrogateescape") if _is_own(file) else ""


def _is_own(file: Path) -> bool:
    """Whether it is one of the project's own files, and not a link to something that must not change."""
    return file.is_file() and not file.is_symlink()


def _write(file: Path, text: str) -> None:
    if _is_own(file) or not os.path.lexists(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogatepass" if "\ud83d" in text else "surrogateescape"))


def _insert(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    text = _text(file)
    at = generator.randint(0, len(text))
    _write(file, text[:at] + " ".join(generator.choices(_BITS, k=generator.randint(1, 4))) + text[at:])


def _repeat(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    text = _text(file)
    at = generator.randint(0, len(text))
    _write(file, text[:at] + generator.choice(_REPEATED) * generator.choice((3, 30, 300, 3_000, 30_000)) + text[at:])


def _cut(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    text = _text(file)
    first, last = sorted(generator.randint(0, len(text)) for _ in range(2))
    _write(file, text[:first] + text[last:])


def _swap(generator: random.Random, folder: Path) -> None:
    file, other = _any_file(generator, folder), _any_file(generator, folder)
    _write(file, _text(other))


def _bytes(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    if _is_own(file):
        content = bytearray(file.read_bytes())
        for _ in range(generator.randint(1, 9)):
            content.insert(generator.randint(0, len(content)), generator.randrange(256))
        file.write_bytes(content)


def _remove(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    if file.is_file() or file.is_symlink():
        file.unlink()


def _rename(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    name = generator.choice(
        (
            b"\xff.sql",
            b"a\x1b[0m.sql",
            b"a\nb.sql",
            b".hidden.sql",
            b"ORDERS.SQL",
            b"Report.Py",
            b"x" * 240 + b".sql",
            b"a b.py",
        )
    )
    if file.is_file():
        file.rename(Path(os.fsdecode(os.fsencode(file.parent) + b"/" + name)))


def _special(generator: random.Random, folder: Path) -> None:
    file = _any_file(generator, folder)
    _remove_at(file)
    if not file.parent.is_dir() or os.path.lexists(file):
        return
    targets = (
        "/dev/zero",
        "/dev/stdin",
        "/dev/null",
        "/proc/self/environ",
        ".",
        "..",
        "/",
        file.name,
        "gone",
        "/proc/self/fd",
    )
    if generator.random() < 0.2:
        os.mkfifo(file)
    elif generator.random() < 0.2:
        file.mkdir()
    else:
        file.symlink_to(generator.choice(targets))


def _linked_folder(generator: random.Random, folder: Path) -> None:
    place = folder / generator.choice(("assets/models", "assets/tests", "assets/models/staging", "assets"))
    link = place / generator.choice(("linked", "Staging", "more.sql"))
    if place.is_dir() and not os.path.lexists(link):
        link.symlink_to(
            generator.choice((".", "..", "staging", "../..", "/proc/self", "/dev", "gone", str(folder / "assets")))
        )


def _remove_at(file: Path) -> None:
    if file.is_file() or file.is_symlink():
        file.unlink()


_MUTATIONS: tuple[Mutation, ...] = (
    *(_insert,) * 6,
    *(_repeat,) * 3,
    *(_cut,) * 2,
    _swap,
    _bytes,
    _remove,
    _rename,
    _special,
    _linked_folder,
)
