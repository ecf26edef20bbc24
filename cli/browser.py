"""Opening an address in the person's browser."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

_WINDOWS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
_PASSED_ON = frozenset(
    "BROWSER DISPLAY WAYLAND_DISPLAY XAUTHORITY DBUS_SESSION_BUS_ADDRESS DESKTOP_SESSION "
    "HOME USER LOGNAME SHELL PATH TMPDIR TERM LANG LANGUAGE TZ "
    "SYSTEMROOT WSLENV WSL_DISTRO_NAME WSL_INTEROP __CF_USER_TEXT_ENCODING".split()
)
_PASSED_ON_PREFIXES = ("LC_", "XDG_", "GNOME_", "KDE_")
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_browser(address: str, otherwise: Callable[[], None]) -> None:
    """Open the address without waiting for it. If no browser can be opened, `otherwise` is called, in a thread."""
    reachable = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")

    def open_or_report() -> None:
        if not (_has_windows() and _opened(reachable)):
            otherwise()

    # A daemon: a browser that stays in the foreground does not keep the server from stopping.
    threading.Thread(target=open_or_report, name="browser", daemon=True).start()


def _has_windows() -> bool:
    """Whether a browser has a place of its own. One for the terminal would take the server's."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in _WINDOWS)


def _opened(address: str) -> bool:
    """Opens it from a process of its own: `webbrowser` would pass this one's whole environment on to the browser."""
    command = [sys.executable, "-I", "-S", "-c", _OPEN, address]
    try:
        opening = subprocess.run(  # noqa: S603  our own interpreter, and the server's own address
            command,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is meant for the server
            check=False,
        )
    except OSError:
        return False
    return opening.returncode == 0


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a browser needs. Tokens and passwords of databases are among the others."""
    return {
        name: value for name, value in variables.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
