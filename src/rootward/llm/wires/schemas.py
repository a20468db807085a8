"""JSON schemas as providers accept them: each knows a part of the language, and what it does not know we check ourselves."""

from collections.abc import Mapping, Sequence
from typing import Any

_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
  "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "$schema", "$id", "examples"})  # fmt: skip


def is_closed(schema: object) -> bool:
    """Whether every object in it lists all its properties, all required: what "strict" modes ask for."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" or "properties" in schema:
            properties = schema.get("properties")
            if not isinstance(properties, Mapping) or schema.get("additionalProperties") is not False:
                return False
            if set(schema.get("required", ())) != set(properties):
                return False
        return all(is_closed(one) for one in schema.values())
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return all(is_closed(one) for one in schema)
    return True


def without_bounds(schema: Any) -> Any:
    """The schema without what constrained decoding commonly refuses: ranges, lengths, patterns. We check those afterwards."""
    if isinstance(schema, Mapping):
        return {
            key: (
                {name: without_bounds(one) for name, one in value.items()}
                if key in ("properties", "$defs") and isinstance(value, Mapping)
                else without_bounds(value)
            )
            for key, value in schema.items()
            if key not in _BOUNDS
        }
    if isinstance(schema, list | tuple):
        return [without_bounds(one) for one in schema]
    return schema
