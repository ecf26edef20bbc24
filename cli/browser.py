"""Opening an address in the person's browser."""

import os
import sys
import threading
import webbrowser
from collections.abc import Callable

_WINDOWS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


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
    try:
        return webbrowser.open(address)
    except (webbrowser.Error, OSError, ValueError):  # ValueError: $BROWSER has an open quote
        return False
