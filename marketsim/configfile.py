"""Reading a run's YAML: strict YAML 1.2 scalars, dotted overrides, and errors that name file, line, key and remedy."""

from __future__ import annotations

import copy
import difflib
import itertools
import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from marketsim.config import RunSpec
from marketsim.errors import ConfigError

MAX_BYTES = 1_000_000


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises: ON and NO stay text, 12:30 stays text, 1e6 is a number, keys are unique."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":int", ":float", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            key = str(getattr(key_node, "value", ""))
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key '{key}' stands twice (first on line {seen[key]}); keep one", key_node.start_mark
                )
            seen[key] = key_node.start_mark.line + 1
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9][0-9_]*$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.inf|\.nan)$"
    ),
    list("-+0123456789."),
)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    ConfigError
        The file is missing, empty, too large, not UTF-8, not YAML, or not a mapping.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_BYTES:,} bytes, which no run description is; check the path.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], n=1)
        raise ConfigError(f"{path}: no such file{f'; did you mean {path.parent / near[0]}?' if near else '; check the path.'}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; name one YAML file in it.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions.") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Return the mapping that ``text`` describes; ``source`` is the name used in errors."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{source}, line {line}: {error.problem or 'not valid YAML'}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid YAML ({' '.join(str(error).split())}); correct the file.") from None
    if data is None:
        raise ConfigError(f"{source}: is empty; a run needs at least name, symbols, start and strategy.")
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: holds a {type(data).__name__}, expected keys and values such as `name: nightly`.")
    return data


def load_spec(path: Path | str, overrides: Mapping[str, Any] | None = None) -> RunSpec:
    """Read, override and check a run description.

    Parameters
    ----------
    path : path of a YAML file.
    overrides : dotted key → value, e.g. ``{"strategy.fast": 10}``; each must name a key that exists or is allowed.

    Raises
    ------
    ConfigError
        One sentence a fault: file, line where known, key, what was found, what was expected.
    """
    path = Path(path)
    data = read_yaml(path)
    for key, value in (overrides or {}).items():
        data = with_value(data, key, value, str(path))
    return check_spec(data, str(path), path.read_text(encoding="utf-8"))


def with_value(data: Mapping[str, Any], dotted: str, value: Any, source: str) -> dict[str, Any]:
    """Return a copy of ``data`` in which the dotted key has ``value``."""
    result = copy.deepcopy(dict(data))
    place: Any = result
    *parents, last = dotted.split(".")
    for part in parents:
        place = _step(place, part, dotted, source)
    if isinstance(place, list):
        place[_index(place, last, dotted, source)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise ConfigError(f"{source}: override {dotted} goes below a value that has no keys; name an existing section.")
    return result


def _step(place: Any, part: str, dotted: str, source: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, part, dotted, source)]
    if isinstance(place, dict):
        if place.get(part) is None:
            place[part] = {}
        return place[part]
    raise ConfigError(f"{source}: override {dotted} goes below a value that has no keys; name an existing section.")


def _index(place: list[Any], part: str, dotted: str, source: str) -> int:
    if part.isdigit() and int(part) < len(place):
        return int(part)
    raise ConfigError(f"{source}: override {dotted} needs a list position from 0 to {len(place) - 1} where it says '{part}'.")


def check_spec(data: Mapping[str, Any], source: str, text: str = "") -> RunSpec:
    """Turn a mapping into a `RunSpec`; every fault becomes one sentence of a single `ConfigError`."""
    market = data.get("market")
    kind = market.get("kind", "bars") if isinstance(market, Mapping) else None
    if kind in ("replay", "simulated"):
        raise ConfigError(
            f"{_place(source, text, ('market', 'kind'))}: market kind '{kind}' is not available in this version; use kind: bars."
        )
    try:
        return RunSpec.model_validate(dict(data))
    except ValidationError as error:
        sentences = dict.fromkeys(_sentence(dict(fault), source, text) for fault in error.errors())
        raise ConfigError("\n".join(sentences)) from None


def _sentence(fault: dict[str, Any], source: str, text: str) -> str:
    location = tuple(part for part in fault["loc"] if not _is_tag(part, fault["loc"]))
    key = ".".join(str(part) for part in location)
    where = _place(source, text, location)
    found = fault.get("input")
    shown = json.dumps(found, default=str) if not isinstance(found, (dict, list)) else f"a {type(found).__name__}"
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    match fault["type"]:
        case "extra_forbidden":
            allowed = sorted(_fields_at(location[:-1]))
            near = difflib.get_close_matches(str(location[-1]), allowed, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed here: {', '.join(allowed) or 'nothing'}."
            return f"{where}: unknown key '{key}'; {hint}"
        case "missing":
            return f"{where}: key '{key}' is missing; add it."
        case "union_tag_invalid" | "union_tag_not_found":
            tags = [t.strip(" '") for t in str(fault.get("ctx", {}).get("expected_tags", "")).split(",")]
            tags = [t for t in tags if t != "custom"]
            given = found.get("kind") if isinstance(found, Mapping) else found
            near = difflib.get_close_matches(str(given), tags, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            own = ", or package.module:Class for your own" if "strategy" in key else ""
            return f"{where}: '{key}' has kind {given!r}; {hint}allowed kinds: {', '.join(tags)}{own}."
        case "value_error":
            message = str(fault["msg"]).removeprefix("Value error, ")
            return f"{where}: {f'{key}: ' if key and not message.startswith(key) else ''}{message}."
        case _:
            message = str(fault["msg"])
            return f"{where}: '{key}' is {shown}; {message[:1].lower()}{message[1:]}."


def _is_tag(part: Any, location: tuple[Any, ...]) -> bool:
    """Tell the names of union members, which Pydantic puts into a location, from the file's own keys."""
    position = location.index(part)
    previous = location[position - 1] if position else None
    return isinstance(part, str) and (
        (previous == "strategy" and part != "params" and part in _strategy_tags())
        or (isinstance(previous, int) and len(location) > 1 and location[0] == "providers" and position == 2)
    )


def _strategy_tags() -> set[str]:
    return {
        *(str(m.model_fields["kind"].default) for m in _models_in(RunSpec.model_fields["strategy"].annotation)),
        "custom",
    }


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType) or get_origin(annotation) is not None:
        return list(itertools.chain.from_iterable(_models_in(argument) for argument in get_args(annotation)))
    return []


def _fields_at(location: tuple[Any, ...]) -> set[str]:
    models: list[type[BaseModel]] = [RunSpec]
    for part in location:
        if isinstance(part, int):
            continue
        models = [m for model in models if part in model.model_fields for m in _models_in(model.model_fields[part].annotation)]
    return {name for model in models for name in model.model_fields}


def _place(source: str, text: str, location: tuple[Any, ...]) -> str:
    """Return ``source, line n`` for the deepest part of ``location`` that the text holds."""
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        node = None
    line = None
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if getattr(k, "value", None) == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return f"{source}, line {line}" if line else source
