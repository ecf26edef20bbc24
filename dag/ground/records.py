"""The base of the values that a run makes by the thousand: as frozen as shapes, and a tenth of their cost."""

from typing import Any, Self

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A value that is written as JSON: camelCase in JSON, snake_case in Python; fields that are None are left out.

    Nothing checks the values of a record that is made here; what comes from outside is read with `of_json`.

    msgspec leaves out what is the same object as the field's default. A default other than None that belongs into the
    JSON is therefore given as a factory: `field(default_factory=int)`.
    """

    def to_json(self) -> str:
        return _encode(self).decode()

    def changed(self, **values: Any) -> Self:
        """The same with other values in these fields."""
        return msgspec.structs.replace(self, **values)

    @classmethod
    def of_json(cls, data: Any) -> Self:
        """The record that JSON data describes; keys without a field are ignored. Raises `ValueError`."""
        return msgspec.convert(data, cls)


_encode = msgspec.json.Encoder().encode
