"""From where Teal's own UI is served, so that its requests are answered (docs/teal.md)."""

_NAMES = ("localhost", "127.0.0.1")


def ui_origins(port: int, is_served_here: bool) -> tuple[str, ...]:
    """The origins of the UI beside a server on this port: the next port, where Teal serves it, or the same.

    The UI asks `localhost`, whichever name it was opened by.
    """
    ui_port = port if is_served_here else port + 1
    return tuple(f"http://{name}:{ui_port}" for name in _NAMES)
