"""The base of all values that are written as JSON: in responses, in stream messages, in the log."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """Base of all JSON shapes: camelCase in JSON, snake_case in Python; fields that are None are left out."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True)

    def to_json(self, fields: frozenset[str] | None = None) -> str:
        """All fields, or only these."""
        include = set(fields) if fields is not None else None
        return self.model_dump_json(by_alias=True, exclude_none=True, include=include)
