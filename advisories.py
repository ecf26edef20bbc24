"""Compares the locked versions with known advisories: `python advisories.py [SECONDS]`, 10 by default.

Prints a line for each lock file. Without a registry that lists advisories, the line says that and why, and that is no
fault. An advisory is one: the exit code is 1.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent
_NO_ADVISORIES = "the registry cannot be reached, or lists none"
_PATH = os.pathsep.join((os.environ["PATH"], str(Path(sys.executable).parent)))


class _LeftOut(Exception):
    """Nothing is known about the lock file; says why."""


@dataclass(frozen=True)
class _Audit:
    """A tool that reads a lock file and asks its registry; `found` are the advisories in what it prints."""

    lock: str
    command: tuple[str, ...]
    found: Callable[[dict[str, Any]], list[str]]
    remedy: str


def _of_pip_audit(report: dict[str, Any]) -> list[str]:
    packages = report["dependencies"]
    if all("skip_reason" in package for package in packages):
        raise _LeftOut(_NO_ADVISORIES)
    return [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {_listed(advisory['fix_versions'])}"
        for package in packages
        for advisory in package.get("vulns", ())
    ]


def _of_npm(report: dict[str, Any]) -> list[str]:
    if "vulnerabilities" not in report:
        raise _LeftOut(_NO_ADVISORIES)
    found = {
        f"{advisory['name']} {advisory['range']}: {advisory['title']} ({advisory['url']})"
        for package in report["vulnerabilities"].values()
        for advisory in package["via"]
        if isinstance(advisory, dict)  # a text names the package through which it is affected
    }
    return sorted(found)


def _listed(versions: list[str]) -> str:
    return ", ".join(versions) or "no version yet"


_AUDITS = (
    _Audit(
        "requirements.lock",
        (
            *("pip-audit", "--requirement", "requirements.lock", "--require-hashes", "--disable-pip"),
            *("--format", "json", "--progress-spinner", "off", "--timeout", "5"),
        ),
        _of_pip_audit,
        "raise the version in pyproject.toml, and run `make lock`",
    ),
    _Audit(
        "web/package-lock.json",
        ("npm", "audit", "--prefix", "web", "--package-lock-only", "--json", "--fetch-retries", "0"),
        _of_npm,
        "run `npm audit fix --ignore-scripts` in web/",
    ),
)


def _advisories(audit: _Audit, limit_s: float) -> list[str]:
    program = shutil.which(audit.command[0], path=_PATH)
    if program is None:
        raise _LeftOut(f"{audit.command[0]} is not installed")
    try:
        ran = subprocess.run(  # noqa: S603  these commands alone
            (program, *audit.command[1:]), cwd=_ROOT, capture_output=True, text=True, timeout=limit_s, check=False
        )
        return audit.found(json.loads(ran.stdout))
    except subprocess.TimeoutExpired:
        raise _LeftOut(f"the registry did not answer within {limit_s:g} s") from None
    except (ValueError, LookupError, TypeError, AttributeError):  # it prints no report
        raise _LeftOut(_NO_ADVISORIES) from None


def _outcome(audit: _Audit, limit_s: float) -> tuple[int, str]:
    """How many advisories there are, and what to print."""
    try:
        found = _advisories(audit, limit_s)
    except _LeftOut as reason:
        return 0, f"{audit.lock}: not compared with known advisories: {reason}"
    if not found:
        return 0, f"{audit.lock}: no known advisories"
    return len(found), "\n".join((f"{audit.lock}: known advisories; {audit.remedy}", *(f"  {each}" for each in found)))


def main() -> int:
    limit_s = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with ThreadPoolExecutor() as threads:  # both tools mostly wait
        outcomes = list(threads.map(lambda audit: _outcome(audit, limit_s), _AUDITS))
    print("\n".join(text for _, text in outcomes))
    return 1 if any(count for count, _ in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
