"""Kinds of compiled agents by name: those that come with the product, each in the file of its name, and users' own.

Nothing is imported before its kind is asked for; the command line must start quickly.
"""

from __future__ import annotations

import difflib
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from marketsim.errors import ConfigError

if TYPE_CHECKING:
    from marketsim.agents.compiled import CompiledAgent

ROOMS = ("background", "market_makers", "institutions", "retail")
_HERE = Path(__file__).parent


def kinds() -> dict[str, str]:
    """Return every built-in kind and where it is defined, ``module:attribute``; a kind's file is named after it."""
    found = {}
    for room in ROOMS:
        for path in (_HERE / room).glob("*.py"):
            if re.search(rf'^    kind: Literal\["{path.stem}"\]', path.read_text(encoding="utf-8"), re.MULTILINE):
                found[path.stem] = f"marketsim.agents.{room}.{path.stem}:{path.stem}"
    return dict(sorted(found.items()))


def agent_of(kind: str) -> CompiledAgent:
    """Return the agent a population names: a built-in kind, or ``package.module:attribute``.

    Raises
    ------
    ConfigError
        There is no such kind, or what is named cannot be imported or is no compiled agent.
    """
    if ":" in kind:
        return _named(kind)
    place = next((room for room in ROOMS if (_HERE / room / f"{kind}.py").is_file()), None)
    if place is None:
        known = list(kinds())
        near = difflib.get_close_matches(kind, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"kind {kind} is not known; {hint}kinds: {', '.join(known)}, or package.module:attribute for your own.")
    return _named(f"marketsim.agents.{place}.{kind}:{kind}")


def _named(name: str) -> CompiledAgent:
    from marketsim.agents.compiled import CompiledAgent

    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        missing = error.name or module_name
        raise ConfigError(f"{name}: {error}; is {missing} installed, or the folder that holds it on PYTHONPATH?") from error
    except Exception as error:  # whatever the user's own module raises
        raise ConfigError(f"{name}: importing {module_name} failed, {type(error).__name__}: {error}; correct the module.") from error
    found = getattr(module, attribute, None)
    if found is None:
        raise ConfigError(f"{name}: module {module_name} has no {attribute}; check the spelling.")
    if not isinstance(found, CompiledAgent):
        raise ConfigError(
            f"{name}: is a {type(found).__name__}, not a compiled agent; put @compiled_agent(Params, STATE) from "
            "marketsim.agents.compiled before the step function."
        )
    return found
