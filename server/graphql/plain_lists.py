"""Executing long lists of plain objects quickly.

graphql-core resolves and completes every field of every item separately: a page of 1,000 run events takes 25 ms of the
event loop. If a query asks only for plain attributes, they are read directly, which takes 9 ms. Minor versions of
graphql-core change the method that is overridden here, so pyproject.toml allows only the tested one.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from graphql import GraphQLList, GraphQLObjectType, GraphQLResolveInfo, get_nullable_type, is_leaf_type
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.field import StrawberryField

Read = Callable[[Any], dict[str, Any]]


class PlainListExecutor(StrawberryGraphQLCoreExecutionContext):
    """An executor with a shortcut for lists; what the shortcut does not support is executed as usual."""

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: Any,
        info: "GraphQLResolveInfo[Any]",
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        if isinstance(result, list) and self.get_stream_usage(field_details_list, path) is None:
            readers = {type_: self._reader(type_, field_details_list) for type_ in set(map(type, result))}
            if result and None not in readers.values():
                return [readers[type(item)](item) for item in result]  # type: ignore[misc]
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def _reader(self, python_type: type, field_details_list: Any) -> Read | None:
        """A function from an object to its answer; None if a requested field is not a plain attribute."""
        definition = get_object_definition(python_type)
        graphql_type = self.schema.get_type(definition.name) if definition else None
        if definition is None or not isinstance(graphql_type, GraphQLObjectType):
            return None
        collected = self.collect_subfields(graphql_type, field_details_list)
        if collected.new_defer_usages:
            return None
        constants: dict[str, str] = {}
        attributes: dict[str, str] = {}
        for response_name, details in collected.grouped_field_set.items():
            field_name = details[0].node.name.value
            attribute = _plain_attribute(definition, graphql_type, field_name)
            if field_name == "__typename":
                constants[response_name] = graphql_type.name
            elif attribute is not None:
                attributes[response_name] = attribute
            else:
                return None
        return _reading(tuple(collected.grouped_field_set), constants, attributes)


def _plain_attribute(definition: StrawberryObjectDefinition, type_: GraphQLObjectType, field_name: str) -> str | None:
    """The Python attribute behind a field of a leaf type without arguments and without a resolver."""
    graphql_field = type_.fields.get(field_name)
    if graphql_field is None or graphql_field.args or not is_leaf_type(get_nullable_type(graphql_field.type)):
        return None
    field = graphql_field.extensions.get("strawberry-definition")
    if not isinstance(field, StrawberryField) or field.base_resolver is not None or definition is None:
        return None
    return field.python_name


def _reading(response_names: Iterable[str], constants: dict[str, str], attributes: dict[str, str]) -> Read:
    template = {name: constants.get(name) for name in response_names}
    names = tuple(attributes)
    if len(names) < 2:  # attrgetter gives a tuple only for two attributes or more
        return lambda item: template | {name: getattr(item, attributes[name]) for name in names}
    values = attrgetter(*attributes.values())
    return lambda item: template | dict(zip(names, values(item), strict=True))
