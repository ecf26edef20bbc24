"""Which names the server answers to (docs/security.md, Names).

A page can point a name of its own at this machine, and its requests then count as the same origin. They carry that name
in `Host`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from dagscope.server.http.raw_headers import Headers, values

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Authority:
    """A name and, if it is given, a port, as in `Host` and in an origin."""

    name: str
    port: int | None

    @classmethod
    def parsed(cls, text: str) -> "Authority | None":
        """None if the text is not a name with an optional port. Names are in lower case."""
        name, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        if not colon:
            name, port = text, ""
        elif not (port.isascii() and port.isdigit() and len(port) <= 5):
            return None
        is_plain = name.isascii() and name.isprintable() and not set(name) & set(" /\\@?#,;\"'<>")
        if not name or not is_plain or (":" in name and not (name[0] == "[" and name[-1] == "]")):
            return None
        return cls(name.lower(), int(port) if port else None)


@dataclass(frozen=True)
class Hosts:
    """The names that are answered: those of this machine's loopback, and those that the settings allow."""

    allowed: tuple[Authority, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> "Hosts":
        """Raises ValueError for a name that cannot be a host."""
        allowed = []
        for name in names:
            authority = Authority.parsed(name)
            if authority is None:
                raise ValueError(
                    f'"{name}" is not a host: write a name or an address, with a port if it is not the default'
                )
            allowed.append(authority)
        return cls(tuple(allowed))

    def refusal(self, headers: Headers, server: tuple[str, int | None] | None) -> str | None:
        """Why the request must not be answered; None if it may be. `server` is the address that it came in on."""
        hosts = values(headers, b"host")
        if len(hosts) != 1:
            return "send the header Host once" if hosts else "send the header Host"
        host = Authority.parsed(hosts[0].decode("latin-1"))
        if host is not None and (self._is_allowed(host) or _is_loopback(host, server)):
            return None
        found = hosts[0].decode("ascii", "replace")
        return f'this server does not answer to the name "{found}"; `dagscope serve --allow-host` adds a name'

    def _is_allowed(self, host: Authority) -> bool:
        # An allowed name without a port is often behind a proxy, whose port this server does not know.
        return any(host.name == one.name and one.port in (None, host.port) for one in self.allowed)


def _is_loopback(host: Authority, server: tuple[str, int | None] | None) -> bool:
    address, port = server or ("", None)
    if port is not None and (host.port or 80) != port:
        return False
    return host.name in LOOPBACK_NAMES or (host.name.strip("[]") == address and is_loopback(address))


def is_loopback(address: str) -> bool:
    """Whether a text is an IP address of this machine only."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
