"""`make audit`: what is said of the locked versions, with tools that find something, nothing, or no registry."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.server

SCRIPT = Path(__file__).parent.parent / "advisories.py"
CLEAN_PYTHON = {
    "dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}, {"name": "x", "skip_reason": "-"}]
}
CLEAN_NODE: dict[str, object] = {"auditReportVersion": 2, "vulnerabilities": {}}
ADVISORY = {"id": "PYSEC-1", "fix_versions": ["3.1.7"], "aliases": [], "description": ""}
LEFT_OUT = "not compared with known advisories: the registry cannot be reached, or lists none\n"


def audited(folder: Path, pip_audit: str, npm: str, seconds: str = "10") -> tuple[int, str]:
    """The exit code and the output with tools that run these shell commands."""
    for name, command in {"pip-audit": pip_audit, "npm": npm}.items():
        (folder / name).write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run([sys.executable, str(SCRIPT), seconds], env=environment, capture_output=True, text=True)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def reporting(report: object, exit_code: int = 0) -> str:
    return f"echo '{json.dumps(report)}'\nexit {exit_code}"


def test_no_advisories(tmp_path: Path) -> None:
    """Without advisories, there is a line for each lock file, and no fault."""
    found = audited(tmp_path, reporting(CLEAN_PYTHON), reporting(CLEAN_NODE))
    assert found == (0, "requirements.lock: no known advisories\nweb/package-lock.json: no known advisories\n")


def test_advisories(tmp_path: Path) -> None:
    """An advisory is a fault: the output names the package, the advisory and what to do."""
    python = {"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": [ADVISORY]}]}
    advisory = {"name": "vite", "range": "<8.0.2", "title": "Reads any file", "url": "https://example.org/1"}
    node = {"vulnerabilities": {"vite": {"via": [advisory]}, "vitest": {"via": ["vite"]}}}
    printed = (
        "requirements.lock: known advisories; raise the version in pyproject.toml, and run `make lock`\n"
        "  jinja2 3.1.6: PYSEC-1, fixed in 3.1.7\n"
        "web/package-lock.json: known advisories; run `npm audit fix --ignore-scripts` in web/\n"
        "  vite <8.0.2: Reads any file (https://example.org/1)\n"
    )
    assert audited(tmp_path, reporting(python, 1), reporting(node, 1)) == (1, printed)


@pytest.mark.parametrize(
    ("pip_audit", "npm"),
    [
        ("echo 'ConnectionError' >&2; exit 1", reporting({"message": "request failed", "error": {}}, 1)),
        (reporting({"dependencies": [{"name": "jinja2", "skip_reason": "not found"}]}), "exit 1"),
        (reporting([1]), reporting("404")),
    ],
)
def test_no_registry(tmp_path: Path, pip_audit: str, npm: str) -> None:
    """A registry that fails, or that knows of no package, is no fault, and the output does not say that all is well."""
    left_out = f"requirements.lock: {LEFT_OUT}web/package-lock.json: {LEFT_OUT}"
    assert audited(tmp_path, pip_audit, npm) == (0, left_out)


def test_slow_registry(tmp_path: Path) -> None:
    """A registry that does not answer in time is no fault."""
    late = "not compared with known advisories: the registry did not answer within 0.2 s\n"
    left_out = f"requirements.lock: {late}web/package-lock.json: {late}"
    assert audited(tmp_path, "exec sleep 60", "exec sleep 60", "0.2") == (0, left_out)
