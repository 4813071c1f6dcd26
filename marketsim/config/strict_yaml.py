"""YAML as people mean it: strict scalars, no doubled keys, no tags, no aliases that multiply, every refusal with its line."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from marketsim.errors import ConfigError
from marketsim.wording import named

MAX_VALUES = 100_000  # after every alias is written out; a list of 10,000 symbols, the largest allowed, is far below
MAX_DIGITS = 400  # beyond the largest float
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("null", "bool", "int", "float", "str", "seq", "map", "merge"))


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises: ON and NO stay text, 12:30 stays text, 010 is ten, 1e6 is a number."""

    def _int(self, node: yaml.ScalarNode) -> int:
        digits = self.construct_scalar(node).replace("_", "")
        if len(digits) > MAX_DIGITS:
            raise yaml.constructor.ConstructorError(
                None, None, f"a number of {len(digits):,} digits is more than any key takes", node.start_mark
            )
        return int(digits)

    def _float(self, node: yaml.ScalarNode) -> float:
        return float(self.construct_scalar(node).replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in (_CORE + "null", _CORE + "merge")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(_CORE + "int", _Loader._int)  # noqa: SLF001 - its own class
_Loader.add_constructor(_CORE + "float", _Loader._float)  # noqa: SLF001
_Loader.add_implicit_resolver(_CORE + "bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_CORE + "int", re.compile(r"^[-+]?[0-9][0-9_]*$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _CORE + "float",
    re.compile(
        r"^[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?"
        r"|\.inf|\.Inf|\.INF|\.nan|\.NaN|\.NAN)$"
    ),
    list("-+0123456789."),
)


def parse(text: str, source: str) -> Any:
    """Return what the text describes: mapping, list, text, number, bool or None.

    Raises
    ------
    ConfigError
        The text is not YAML, or uses what this reader refuses; the sentence begins with ``source`` and the line.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_surprises(node, source)
        return loader.construct_document(node)
    except yaml.reader.ReaderError as error:
        raise ConfigError(
            f"{source}: character {error.position} is {chr(error.character)!r}, which text does not contain; is this a YAML file?"
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        reason = ", ".join(part for part in (error.context, error.problem) if part) or "not valid YAML"
        raise ConfigError(f"{source}, line {line}: {reason}; correct the YAML there.") from None
    except RecursionError:
        raise ConfigError(f"{source}: is nested too deeply to read; no run description needs more than a few levels.") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ConfigError(f"{source}: not valid YAML ({' '.join(str(error).split())}); correct the file.") from None


def compose(text: str) -> yaml.Node | None:
    """Return the nodes of the text with their line numbers; None where there are none or the text is not YAML."""
    try:
        return yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError):
        return None


def _refuse_surprises(root: yaml.Node, source: str) -> None:
    """Refuse doubled keys, tags, broken text, aliases that refer to themselves, and aliases that multiply without end."""
    size: dict[int, int] = {}
    open_nodes: set[int] = set()

    def visit(node: yaml.Node) -> int:
        line = f"{source}, line {node.start_mark.line + 1}"
        if id(node) in open_nodes:
            raise ConfigError(f"{line}: the anchor refers to itself; write the value out.")
        if id(node) in size:
            return size[id(node)]
        if node.tag not in _PLAIN_TAGS:
            raise ConfigError(f"{line}: the tag {named(node.tag.replace(_CORE, '!!'))} is not allowed; write a plain value.")
        open_nodes.add(id(node))
        total = 1
        if isinstance(node, yaml.MappingNode):
            _refuse_doubled_keys(node, source)
            total += sum(visit(key) + visit(value) for key, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            total += sum(visit(entry) for entry in node.value)
        elif any("\ud800" <= character <= "\udfff" for character in node.value):
            raise ConfigError(f"{line}: {json.dumps(node.value)} holds half of a two-part character; correct the escape.")
        open_nodes.remove(id(node))
        size[id(node)] = total
        if total > MAX_VALUES:
            raise ConfigError(f"{line}: its aliases write out to more than {MAX_VALUES:,} values; no run description needs that.")
        return total

    visit(root)


def _refuse_doubled_keys(mapping: yaml.MappingNode, source: str) -> None:
    first: dict[str, int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"{source}, line {key.start_mark.line + 1}: a list or section stands where a key is expected; write text.")
        if key.value in first:
            where = f"{source}, line {key.start_mark.line + 1}"
            raise ConfigError(f"{where}: key '{named(key.value)}' stands twice (first on line {first[key.value]}); keep one.")
        first[key.value] = key.start_mark.line + 1
