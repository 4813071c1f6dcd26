"""Reading a run's YAML: strict scalars, dotted overrides, and errors that name file, line, key and remedy.

What Pydantic finds wrong is put into words by `marketsim.config.faults`.
"""

from __future__ import annotations

import copy
import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from marketsim.agents.library import build
from marketsim.config.faults import Source, sentence
from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.config.strict_yaml import compose, parse
from marketsim.errors import ConfigError
from marketsim.wording import named, shown

MAX_BYTES = 1_000_000


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
    text = _read_text(path)
    data = parse_yaml(text, str(path))
    for key, value in (overrides or {}).items():
        data = with_value(data, key, value, str(path))
    return _checked(data, Source(str(path), compose(text), frozenset(overrides or ())))


def load_runnable(path: Path | str, overrides: Mapping[str, Any] | None = None) -> RunSpec:
    """Load a run description all of whose strategies and agents can be built, so that a faulty one stops a run before any data are fetched.

    Raises
    ------
    ConfigError
        As `load_spec`; and one sentence that names the trader whose strategy cannot be built.
    """
    path = Path(path)
    spec = load_spec(path, overrides)
    if isinstance(spec.market, SimulatedMarket):
        # Kinds of agents are compiled code; only a run that has them pays for the import.
        from marketsim.markets.simulated.population import check_population

        try:
            check_population(spec.market)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
    for trader in spec.traders:
        try:
            build(trader.strategy, path.parent)
        except ConfigError as error:
            raise ConfigError(f"{path}, {trader.name}: {error}") from error
    return spec


def check_spec(data: Mapping[str, Any], source: str, text: str = "") -> RunSpec:
    """Turn a mapping into a `RunSpec`; every fault becomes one sentence of a single `ConfigError`.

    Types are taken literally: ``true`` is no number and ``"5"`` is text, because either is more often a slip than meant.

    Parameters
    ----------
    data : the run description; dates may be dates or text.
    source : name used in the sentences.
    text : the YAML the mapping came from, for line numbers.
    """
    return _checked(data, Source(source, compose(text)))


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    ConfigError
        The file is missing, empty, too large, not UTF-8, not YAML, or not a mapping.
    """
    return parse_yaml(_read_text(path), str(path))


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Return the mapping that ``text`` describes; ``source`` is the name used in errors."""
    data = parse(text, source)
    if data is None:
        raise ConfigError(f"{source}: is empty; a run needs at least name, symbols, start and strategy.")
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: holds {shown(data)}, expected keys and values such as `name: nightly`.")
    return data


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key=value``; the value is read as YAML, so ``10`` is a number and ``[AAPL, MSFT]`` a list.

    Raises
    ------
    ConfigError
        There is no ``=``, no key before it, or the value is not YAML.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"override '{named(text)}': expected key=value, e.g. strategy.fast=10.")
    return key.strip(), parse(value, f"override {named(key.strip())}")


def with_value(data: Mapping[str, Any], dotted: str, value: Any, source: str) -> dict[str, Any]:
    """Return a copy of ``data`` in which the dotted key has ``value``; list entries are named by position.

    Raises
    ------
    ConfigError
        The key goes below a plain value, or past the end of a list.
    """
    result = copy.deepcopy(dict(data))
    place: Any = result
    *parents, last = dotted.split(".")
    for part in parents:
        if isinstance(place, dict) and place.get(part) is None:
            place[part] = {}
        place = place[_key_in(place, part, dotted, source)]
    place[_key_in(place, last, dotted, source)] = value
    return result


def _key_in(place: Any, part: str, dotted: str, source: str) -> str | int:
    if isinstance(place, dict):
        return part
    if not isinstance(place, list):
        raise ConfigError(f"{source}: override {named(dotted)} goes below a value that has no keys; name an existing section.")
    if part.isdecimal() and int(part) < len(place):
        return int(part)
    allowed = f"a list position from 0 to {len(place) - 1}" if place else "entries, but the list is empty,"
    raise ConfigError(f"{source}: override {named(dotted)} needs {allowed} where it says '{named(part)}'.")


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_BYTES:,} bytes, which no run description is; check the path.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.y*ml")], n=1)
        raise ConfigError(f"{path}: no such file{f'; did you mean {path.parent / near[0]}?' if near else '; check the path.'}") from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; name one YAML file in it.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8 text.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', error)}); check the path and its permissions.") from None


def _checked(data: Mapping[str, Any], source: Source) -> RunSpec:
    try:
        spec = _validated(data)
    except ValidationError as error:
        raise ConfigError("\n".join(dict.fromkeys(sentence(fault, source) for fault in error.errors()))) from None
    _check_sweep(spec, data, source)
    return spec


def _validated(data: Mapping[str, Any]) -> RunSpec:
    # Strict JSON is the mode that takes a date from text but no number from text or true.
    return RunSpec.model_validate_json(json.dumps(data, default=str), strict=True)


def _check_sweep(spec: RunSpec, data: Mapping[str, Any], source: Source) -> None:
    """Refuse a sweep whose keys or single values the run description does not allow; combinations are the trials' affair."""
    base = {key: value for key, value in data.items() if key not in ("sweep", "walk_forward")}
    for dotted, values in spec.sweep.parameters.items() if spec.sweep else ():
        here = f"{source.place(('sweep', 'parameters', dotted))}: sweep.parameters"
        for value in values:
            try:
                _validated(with_value(base, dotted, value, here))
            except ValidationError as error:
                for fault in error.errors():
                    keys = ".".join(str(part) for part in fault["loc"])
                    if fault["type"] != "value_error" and keys.endswith(dotted.rpartition(".")[2]):
                        raise ConfigError(sentence(fault, Source(here))) from None
