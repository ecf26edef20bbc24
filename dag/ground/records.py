"""The base of the values that a run makes by the thousand: as frozen as shapes, and a tenth of their cost."""

from functools import cache
from typing import Any, ClassVar, Self, get_type_hints

import msgspec
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo
from pydantic import GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from dagscope.dag.ground.shapes import Shape


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A value that is written as JSON: camelCase in JSON, snake_case in Python; fields that are None are left out.

    Nothing checks the values of a record that is made here; what comes from outside is read with `of_json`.

    msgspec leaves out what is the same object as the field's default. A default other than None that belongs into the
    JSON is therefore given as a factory: `field(default_factory=int)`.
    """

    unshown: ClassVar[frozenset[str]] = frozenset()
    """Fields that have no place in the JSON; `shown` returns the record with their defaults."""

    def to_json(self) -> str:
        return _encode(self.shown()).decode()

    def shown(self) -> Self:
        return self

    def changed(self, **values: Any) -> Self:
        """The same with other values in these fields."""
        return msgspec.structs.replace(self, **values)

    @classmethod
    def of_json(cls, data: Any) -> Self:
        """The record that JSON data describes; keys without a field are ignored. Raises `ValueError`."""
        return msgspec.convert(data, cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A shape can have records in it: it takes them as they are, and writes them as they write themselves."""
        return core_schema.no_info_wrap_validator_function(
            lambda record, _: record,
            handler.generate_schema(cls.shape()),
            serialization=core_schema.plain_serializer_function_ser_schema(_plain),
        )

    @classmethod
    def shape(cls) -> type[Shape]:
        """The shape of these records, for descriptions of answers."""
        return _shape(cls)


def _plain(record: Record) -> Any:
    return msgspec.to_builtins(record.shown())


@cache
def _shape(record: type[Record]) -> type[Shape]:
    hints = get_type_hints(record)
    fields: dict[str, Any] = {
        field.name: (hints[field.name], ... if field.required else _default(field))
        for field in msgspec.structs.fields(record)
        if field.name not in record.unshown
    }
    return create_model(record.__name__, __base__=Shape, __doc__=record.__doc__, __module__=record.__module__, **fields)


def _default(field: FieldInfo) -> Any:
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


_encode = msgspec.json.Encoder().encode
