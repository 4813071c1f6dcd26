"""What Pydantic found wrong with a run description, as sentences: file, line, key, what was found, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from marketsim.config.model import NAME_PATTERN, SYMBOL_PATTERN
from marketsim.config.run import RunSpec
from marketsim.wording import expected, named, shown

_FORMS = {
    SYMBOL_PATTERN: "a ticker in capitals such as AAPL, BRK-B or ^GSPC",
    NAME_PATTERN: "a name such as nightly_2: lower-case letters, digits and _, a letter first",
}

# Keys that tell which section of several one is.
TAGS = ("kind", "distribution")


@dataclass(frozen=True)
class Source:
    """Where a run description came from: its name, its YAML nodes for line numbers, and the keys set from outside."""

    name: str
    root: yaml.Node | None = None
    overridden: frozenset[str] = frozenset()

    def place(self, keys: tuple[str | int, ...]) -> str:
        """Return ``name, line n`` for the deepest of ``keys`` that the text holds, or the override that set it."""
        dotted = ".".join(str(part) for part in keys)
        above = next((override for override in self.overridden if f"{dotted}.".startswith(f"{override}.")), None)
        if above is not None:
            return f"{self.name}, override {above}"
        node, line = self.root, None
        for part in keys:
            if isinstance(node, yaml.MappingNode):
                pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
                if pair is None:
                    break
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        if line:
            return f"{self.name}, line {line}"
        below = next((override for override in self.overridden if override.startswith(f"{dotted}.")), None)
        return f"{self.name}, override {below}" if below else self.name


def sentence(fault: ErrorDetails, source: Source) -> str:
    """Put one of Pydantic's faults into a sentence."""
    keys, field, models = _walk(fault["loc"])
    key = named(".".join(str(part) for part in keys))
    where = source.place(keys)
    found, context = fault.get("input"), fault.get("ctx", {})
    match fault["type"]:
        case "extra_forbidden":
            allowed = sorted({name for model in models for name in model.model_fields})
            return f"{where}: unknown key '{key}'; " + (_nearest(keys[-1], allowed).rstrip() or "allowed here: " + ", ".join(allowed) + ".")
        case "missing":
            return f"{where}: key '{key}' is missing; add it{_meaning(field)}."
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = [tag for model in models if (tag := _tag(model)) != "custom"]
            own = ", or package.module:Class for your own" if len(kinds) < len(models) else ""
            named_by = next((word for word in TAGS if word in models[0].model_fields), TAGS[0])
            given = found.get(named_by) if isinstance(found, Mapping) else found
            if isinstance(found, Mapping) and named_by not in found:
                return f"{where}: '{key}' has no {named_by}; add `{named_by}:` with one of {', '.join(kinds)}{own}."
            if not isinstance(found, Mapping):
                example = next((kind for kind in kinds if kind == given), kinds[0])
                return (
                    f"{where}: '{key}' is {shown(given)}; expected a section such as {{{named_by}: {example}}}; {named_by}s: "
                    f"{', '.join(kinds)}{own}."
                )
            return f"{where}: '{key}' has {named_by} {shown(given)}; {_nearest(given, kinds)}allowed {named_by}s: {', '.join(kinds)}{own}."
        case "value_error":
            # Checks across keys begin with the key they are about, which gives the line.
            message = str(fault["msg"]).removeprefix("Value error, ")
            about = (int(part) if part.isdecimal() else part for part in message.partition(":")[0].split("."))
            return f"{source.place((*keys, *about))}: {f'{key}.' if key else ''}{message}."
        case "literal_error":
            allowed = [str(value) for value in get_args(_plain(field.annotation)[0])] if field else []
            return f"{where}: '{key}' is {shown(found)}; {_nearest(found, allowed)}expected one of {', '.join(allowed)}{_meaning(field)}."
        case kind:
            wanted = _FORMS.get(context.get("pattern", "")) or expected(fault)
            quote = "; put it in quotes" if kind == "string_type" and isinstance(found, (int, float)) else ""
            return f"{where}: '{key}' is {shown(found)}; expected {wanted}{quote}{_meaning(field)}."


def _walk(location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], FieldInfo | None, list[type[BaseModel]]]:
    """Follow a fault's location through the specification.

    Returns
    -------
    The file's own keys (Pydantic adds the names of union members, which no file contains), the field they end at, and the models
    that were possible where the last key stands or, when the location ends at a section, the models of that section.
    """
    keys: list[str | int] = []
    annotation: Any = RunSpec
    field: FieldInfo | None = None
    models: list[type[BaseModel]] = [RunSpec]
    for part in location:
        options = _plain(annotation)
        models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        member = [model for model in models if len(models) > 1 and _tag(model) == part]
        if member:
            annotation = member[0]
            continue
        keys.append(part)
        annotation, field = _below(part, options, models, field)
    ends = [option for option in _plain(annotation) if isinstance(option, type) and issubclass(option, BaseModel)]
    return tuple(keys), field, ends or models


def _below(part: str | int, options: list[Any], models: list[type[BaseModel]], field: FieldInfo | None) -> tuple[Any, FieldInfo | None]:
    """Return what lies below one key or list position: its annotation and the field that describes it."""
    for model in models:
        if part in model.model_fields:
            return model.model_fields[str(part)].annotation, model.model_fields[str(part)]
    for option in options:
        if get_origin(option) in (list, dict):
            entry = get_args(option)[-1]
            described = next((extra for extra in get_args(entry)[1:] if isinstance(extra, FieldInfo) and extra.description), None)
            return entry, described or field
    return None, None


def _plain(annotation: Any) -> list[Any]:
    """Return the members of a possibly annotated union, None left out."""
    return [member for member in _members(annotation) if member is not NoneType]


def _members(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _members(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation


def _tag(model: type[BaseModel]) -> str:
    return next((str(model.model_fields[word].default) for word in TAGS if word in model.model_fields), "")


def _nearest(given: Any, allowed: list[str]) -> str:
    near = difflib.get_close_matches(str(given)[:80], allowed, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'? " if near else ""


def _meaning(field: FieldInfo | None) -> str:
    return f" ({field.description.rstrip('.')})" if field is not None and field.description else ""
