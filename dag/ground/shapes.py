"""The base of every value that is written as JSON: in answers, in messages of the stream, in the log."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Shape(BaseModel):
    """Base of all JSON shapes: camelCase outside, snake_case inside, absent where None."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True, frozen=True)

    def to_json(self, fields: frozenset[str] | None = None) -> str:
        """All of it, or only these fields."""
        include = set(fields) if fields is not None else None
        return self.model_dump_json(by_alias=True, exclude_none=True, include=include)
