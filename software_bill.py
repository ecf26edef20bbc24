"""Writes the software bill of materials (CycloneDX) of what an installation of dagscope consists of.

`python software_bill.py FILE`. It has every package that dagscope needs, directly or through others, on any platform,
in the version and with the hashes of requirements.lock; those that only its extras need are optional. The same sources
give the same file.
"""

import os
import re
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LOCK = Path(__file__).with_name("requirements.lock")
_LOCKED = re.compile(
    r"^([a-z0-9.-]+)==([^ ;]+)(?: ;[^\\]*)? \\((?:\n +--hash=sha256:[0-9a-f]{64}(?: \\)?)+)", re.MULTILINE
)
_EARLIEST_S = 1_580_601_600  # as Hatchling has it: ZIP files know no earlier time


def bill() -> str:
    """The bill as JSON."""
    always, needed = _needed("dagscope"), _needed(f"dagscope[{','.join(_extras())}]")
    locked = {component.name: component for component in _locked() if component.name in needed}
    for name in locked.keys() - always.keys():
        locked[name].scope = ComponentScope.OPTIONAL
    root = Component(name="dagscope", version=version("dagscope"), type=ComponentType.APPLICATION, bom_ref="dagscope")
    components = {"dagscope": root, **locked}
    bom = Bom(components=locked.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_URL, _LOCK.read_text("utf-8")))
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", _EARLIEST_S)), UTC)
    for name, component in components.items():
        bom.register_dependency(component, [locked[other] for other in needed[name] if other in locked])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _extras() -> list[str]:
    return metadata("dagscope").get_all("Provides-Extra") or []


def _needed(text: str) -> dict[str, list[str]]:
    """The packages that a requirement brings, each with those that it needs itself."""
    found: dict[str, list[str]] = {}
    waiting = [Requirement(text)]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        others = list(_requirements(name, requirement.extras))
        known = found.setdefault(name, [])
        new = [other for other in others if canonicalize_name(other.name) not in known]
        known.extend(canonicalize_name(other.name) for other in new)
        waiting.extend(new)
    return found


def _requirements(name: str, extras: set[str]) -> Iterator[Requirement]:
    """What a package needs with these extras, on any platform; nothing if it is not installed on this one."""
    try:
        texts = requires(name) or []
    except PackageNotFoundError:
        return
    for requirement in map(Requirement, texts):
        extra = re.search(r"extra == ['\"]([^'\"]+)", str(requirement.marker or ""))
        if extra is None or extra[1] in extras:
            yield requirement


def _locked() -> Iterator[Component]:
    for name, number, hashes in _LOCKED.findall(_LOCK.read_text("utf-8")):
        purl = PackageURL("pypi", None, name, number)
        yield Component(
            name=name,
            version=number,
            type=ComponentType.LIBRARY,
            bom_ref=str(purl),
            purl=purl,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=text) for text in re.findall("[0-9a-f]{64}", hashes)],
        )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(bill(), encoding="utf-8")
