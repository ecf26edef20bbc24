"""Values as msgpack with nothing lost: numbers of any size, decimals, and texts that are not valid Unicode.

msgpack alone has none of the three. It takes a walk over the value in Python, so this is for the few that need it.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec.msgpack import Ext

AnyType = TypeVar("AnyType")

Described = Callable[[Any], Any]
"""What msgspec cannot pack, as something that it can. Raises `TypeError` for what it does not know either."""

Restored = Callable[[type, Any], Any]
"""The inverse, for a type."""


def pack(value: Any, described: Described | None = None) -> bytes:
    """The value with records, dataclasses and plain JSON data in it. Raises `TypeError` for anything else."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes, Decimal), enc_hook=described)
    return msgspec.msgpack.encode(_packable(plain))


def unpack(data: bytes, as_type: type[AnyType], restored: Restored | None = None) -> AnyType:
    """The value of that type that was packed. Raises `ValueError` if it is another."""
    return msgspec.convert(_unpack(data), as_type, dec_hook=restored)


_TEXT, _INTEGER, _DECIMAL, _ITEMS = range(1, 5)


def _packable(value: Any) -> Any:
    match value:
        case str():
            return value if _is_unicode(value) else Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
        case bool():
            return value
        case int():
            return value if -(2**63) <= value < 2**64 else Ext(_INTEGER, f"{value:x}".encode())
        case Decimal():
            return Ext(_DECIMAL, str(value).encode())
        case list() | tuple():
            return [_packable(item) for item in value]
        case dict() if all(map(_is_unicode, value)):
            return {key: _packable(item) for key, item in value.items()}
        case dict():
            return Ext(_ITEMS, msgspec.msgpack.encode(_packable([*value.items()])))
    return value


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unpacked(code: int, data: memoryview) -> Any:
    if code == _ITEMS:
        return dict(_unpack(data))
    text = bytes(data).decode("utf-8", "surrogatepass")
    if code == _INTEGER:
        return int(text, 16)
    return Decimal(text) if code == _DECIMAL else text


_unpack = msgspec.msgpack.Decoder(ext_hook=_unpacked).decode
