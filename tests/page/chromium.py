"""The system's Chromium: found, or installed where that is possible."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent.parent / "build"
COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-liberation", "fonts-dejavu-core")
FOREIGN_NAME = "evil.example"
"""A name that somebody else points at this machine."""
FLAGS = (
    "--no-sandbox",  # for root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1",
)


def find_chromium() -> str | None:
    """The path of the browser."""
    return next(filter(None, map(shutil.which, COMMANDS)), None)


def install_chromium() -> str:
    """Install Debian's Chromium if none is there. Returns why it could not be, or ""."""
    with _alone():
        if find_chromium() is not None:
            return ""
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            return f"Chromium is not installed, and only root can install it: apt-get install {' '.join(PACKAGES)}"
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (("update", "-qq"), ("install", "-qq", "--yes", "--no-install-recommends", *PACKAGES)):
            ran = subprocess.run(("apt-get", *command), env=environment, capture_output=True, text=True)
            if ran.returncode != 0:
                return f"Chromium is not installed, and apt-get {command[0]} failed: {ran.stderr.strip()}"
    return ""


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time: several workers of pytest start at once."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
