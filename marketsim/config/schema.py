"""The JSON Schema of a run description, so that editors complete keys, show their meaning and mark errors."""

from __future__ import annotations

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from marketsim.config.run import RunSpec

MODELINE = "# yaml-language-server: $schema=schema.json"


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat the key."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def run_schema() -> dict[str, Any]:
    """Return the JSON Schema of `RunSpec`.

    Draft 7 is named because every YAML language server knows it; nothing newer is used. In a union the ``kind`` is required,
    which lets an editor pick the member it belongs to and complete that member's keys.
    """
    schema = RunSpec.model_json_schema(schema_generator=_Untitled)
    definitions = schema["$defs"]
    # A strategy may be left out, but nobody writes `null`.
    strategy = schema["properties"]["strategy"]
    chosen = next(option for option in strategy.pop("anyOf") if "oneOf" in option)
    schema["properties"]["strategy"] = {**chosen, "description": strategy["description"]}
    for member in _union_members(schema):
        definition = definitions[member.removeprefix("#/$defs/")]
        definition["required"] = sorted({*definition.get("required", ()), "kind"})
    # A default that is no valid value would be offered by editors.
    del definitions["CustomParams"]["properties"]["kind"]["default"]
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A marketsim run", **_without_titles(schema)}


def schema_text() -> str:
    """Return the schema as the text of ``configs/schema.json``."""
    return json.dumps(run_schema(), indent=2, ensure_ascii=False) + "\n"


def strategy_schemas() -> list[tuple[str, str, dict[str, dict[str, Any]]]]:
    """Return each built-in strategy: its kind, what it does, and its parameters by name.

    A parameter has ``type`` (text), ``default``, ``required`` and ``description``.
    """
    schema = run_schema()
    members = [option["$ref"].removeprefix("#/$defs/") for option in schema["properties"]["strategy"]["oneOf"]]
    found = []
    for section in (schema["$defs"][member] for member in members):
        properties = section["properties"]
        kind = properties["kind"].get("const")
        if kind is None:
            continue  # the user's own, which have no parameters to list
        parameters = {
            name: {
                "type": _type_name(entry),
                "default": entry.get("default"),
                "required": name in section["required"],
                "description": entry.get("description", ""),
            }
            for name, entry in properties.items()
            if name != "kind"
        }
        found.append((kind, " ".join(section["description"].split()), parameters))
    return found


def _type_name(entry: dict[str, Any]) -> str:
    options = [option["type"] for option in entry.get("anyOf", (entry,)) if option.get("type") != "null"]
    names = {"object": "section", "array": "list", "string": "text", "boolean": "true or false", "integer": "whole number"}
    return " or ".join(names.get(option, option) for option in options)


def _union_members(node: Any) -> set[str]:
    """Return the references that stand in a ``oneOf`` anywhere below ``node``."""
    entries = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    found = {ref for entry in entries for ref in _union_members(entry)}
    if isinstance(node, dict):
        found |= {option["$ref"] for option in node.get("oneOf", ()) if "$ref" in option}
    return found


def _without_titles(schema: JsonSchemaValue) -> JsonSchemaValue:
    schema.pop("title", None)
    for definition in schema["$defs"].values():
        definition.pop("title", None)
    return schema
