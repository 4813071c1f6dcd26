"""Which code made a result: the library's version and a digest over every source that can change a number."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import marketsim
from marketsim.agents.library import CustomParams
from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket

SHOWN = 12
# How results are served and how commands are spelled changes no number.
WITHOUT = ("api", "cli")


def code_version(spec: RunSpec) -> str:
    """Return ``version+digest`` of the library, and ``.digest`` of the user's own strategies and agents where the run names any."""
    root = Path(marketsim.__file__).parent
    sources = (path for path in sorted(root.rglob("*.py")) if path.relative_to(root).parts[0].removesuffix(".py") not in WITHOUT)
    version = f"{marketsim.__version__}+{_digest((path.relative_to(root).as_posix(), path) for path in sources)}"
    kinds = [trader.strategy.kind for trader in spec.traders if isinstance(trader.strategy, CustomParams)]
    if isinstance(spec.market, SimulatedMarket):
        kinds += [group.kind for group in spec.market.population.values() if ":" in group.kind]
    own = sorted({path for path in map(_own_file, kinds) if path is not None})
    return f"{version}.{_digest((path.name, path) for path in own)}" if own else version


def _own_file(kind: str) -> Path | None:
    """Return the file a user's own strategy or agent is defined in; None where there is none, which simulating will explain."""
    try:
        found = importlib.util.find_spec(kind.partition(":")[0])
    except (ImportError, ValueError):
        return None
    return Path(found.origin).resolve() if found and found.has_location and found.origin else None


def _digest(files: Iterable[tuple[str, Path]]) -> str:
    total = hashlib.sha256()
    for name, path in files:
        content = path.read_bytes()
        total.update(f"{name}\n{len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:SHOWN]
