"""200 strings that try to become more than text, and a project that has each of them wherever a user can write one."""

import json
from pathlib import Path
from typing import Final

from tests.projects import model, raw, write_project

_SCRIPT = "window.hostile=1"
_ATTACKS = (
    f"<script>{_SCRIPT}</script>",
    f"<SCRIPT SRC=data:text/javascript,{_SCRIPT}></SCRIPT>",
    f"<img src=x onerror={_SCRIPT}>",
    f'<img src="x" onerror="{_SCRIPT}">',
    f"<svg onload={_SCRIPT}>",
    f"<svg><script>{_SCRIPT}</script></svg>",
    f"<svg><animate onbegin={_SCRIPT} attributeName=x dur=1s>",
    f"<math><mtext><style><img src=x onerror={_SCRIPT}></style></mtext></math>",
    f"<iframe srcdoc='<script>parent.{_SCRIPT}</script>'></iframe>",
    f"<iframe src=javascript:parent.{_SCRIPT}></iframe>",
    f"<object data=javascript:{_SCRIPT}></object>",
    f"<embed src=javascript:{_SCRIPT}>",
    f"<a href=javascript:{_SCRIPT}>click</a>",
    f"[click](javascript:{_SCRIPT})",
    f"[click](JaVaScRiPt&#58;{_SCRIPT})",
    f"![x](x){{onerror={_SCRIPT}}}",
    f'![x](x" onerror="{_SCRIPT})',
    f"<javascript:{_SCRIPT}>",
    f"<details open ontoggle={_SCRIPT}><summary>x</summary></details>",
    f"<input autofocus onfocus={_SCRIPT}>",
    f"<body onpageshow={_SCRIPT}>",
    f"<video><source onerror={_SCRIPT}></video>",
    f"<form action=javascript:{_SCRIPT}><button>x</button></form>",
    f"<meta http-equiv=refresh content='0;url=javascript:{_SCRIPT}'>",
    "<base href=//elsewhere.example/>",
    "<link rel=stylesheet href=//elsewhere.example/x.css>",
    "<style>*{display:none!important}</style>",
    "<x-hostile style=position:fixed;inset:0>over everything</x-hostile>",
    "<!--",
    "<![CDATA[<x-hostile>]]>",
    f"&lt;img src=x onerror={_SCRIPT}&gt;",
    f"\\u003cimg src=x onerror={_SCRIPT}\\u003e",
    f"${{{_SCRIPT}}}",
    f"{{{{constructor.constructor('{_SCRIPT}')()}}}}",
    f"';{_SCRIPT};//",
    f'";{_SCRIPT};//',
    f"`;{_SCRIPT};//",
    "__proto__",
    '{"__proto__":{"hostile":1},"constructor":{"prototype":{"hostile":1}}}',
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe\N{POP DIRECTIONAL FORMATTING}",
)
# What could end the text, the attribute or the element that a string is written into.
_WAYS_OUT = ("", '"', "'>", "</span></title></textarea></style></script>", '"><x-hostile></x-hostile>')

STRINGS: Final = tuple(f"{way}{attack}" for attack in _ATTACKS for way in _WAYS_OUT)
"""The strings, each different."""
_TEXT = "\n".join(STRINGS)

FOUND: Final = """() => {
  const names = `script:not([src^="/static/"]), img, iframe, object, embed, form[action], base, meta[http-equiv],
    video, math, details[ontoggle], x-hostile, body style, link[href*=elsewhere], animate, [onerror], [onload],
    [onfocus], [onclick], a[href^="javascript:" i], a[href^="data:" i]`;
  const found = [...document.querySelectorAll(names)].map((element) => element.outerHTML.slice(0, 200));
  return window.hostile || ({}).hostile ? [...found, "a script ran"] : found;
}"""
"""JavaScript that returns what of the strings became an element, or ran."""


_CELLS = f"""\
import pyarrow as pa

TEXTS = {STRINGS!r}


def execute(context):
    for text in TEXTS:
        context.log.warning(text, field=text, **{{"<x-hostile>": text}})
    return pa.table({{"text": TEXTS, "again": TEXTS}})
"""
_RAISING = f"""\
TEXTS = {STRINGS!r}


def execute(context):
    raise ValueError("\\n".join(TEXTS))
"""


def hostile_project(folder: Path) -> Path:
    """Each string is in a description, a log message and its fields, SQL, a cell, an error and a test's rows."""
    literals = "\n    UNION ALL ".join(f"SELECT '{_quoted(text)}' AS text" for text in STRINGS)
    columns = ", ".join(f'{number} AS "{_name(number)}"' for number in range(len(STRINGS)))
    names = ("__proto__", "constructor", "columns", "cells", "toString", "wrong")
    models: list[dict[str, object]] = [{"name": name, "description": _TEXT} for name in names]
    models[0]["tests"] = [{"name": "test_valueOf", "description": _TEXT}]
    stages = [{"name": "a", "models": models}]
    profile = {"version": "1.0.0", "name": STRINGS[0], "connection": "duck", "models": {"stages": stages}}
    return write_project(
        folder,
        {
            "profile.yaml": json.dumps(profile),
            "README.md": _TEXT,
            model("a.__proto__"): f"{{% raw %}}SELECT text FROM (\n    {literals}\n){{% endraw %}}",
            model("a.constructor"): 'SELECT text, text AS again FROM {{ Ref("a.__proto__") }}',
            model("a.columns"): f"{{% raw %}}SELECT {columns}{{% endraw %}}",
            model("a.wrong"): f"{{% raw %}}SELECT error('{_quoted(_TEXT)}') AS x{{% endraw %}}",
            raw("a.cells"): _CELLS,
            raw("a.toString"): _RAISING,
            "assets/tests/a/test_valueOf.sql": 'SELECT * FROM {{ Ref("a.__proto__") }}',
        },
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _name(number: int) -> str:
    return STRINGS[number].replace('"', '""')
