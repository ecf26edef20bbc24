"""axe-core in a page: rules of WCAG that a machine can check."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).resolve().parent.parent.parent / "web/node_modules/axe-core/axe.min.js"
_SERIOUS = ("serious", "critical")


@cache
def _axe() -> str:
    return _AXE.read_text(encoding="utf-8")


def serious_violations(page: Page) -> list[str]:
    """What axe finds in the page as it is now: the rule, and the first elements that break it."""
    page.evaluate(_axe())  # not as a script element, which the page's policy refuses
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:150] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in _SERIOUS
    ]
