"""Draw the pictures of the agents' pages: `python -m docs.draw_agents` writes docs/images/agents/NAME.png, all of them or those named.

Each file of docs/pictures has a function ``pictures() -> dict[str, Callable[[], dict]]``: what makes the Vega-Lite chart of each name.
The same code draws the same picture.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
LOOK = {"background": "#ffffff", "view": {"stroke": None}, "axis": {"grid": False, "labelFontSize": 10, "titleFontSize": 11}}
SCALE = 1.2


def pictures() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes each chart, by the name of its file."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for path in sorted((DOCS / "pictures").glob("*.py")):
        found |= importlib.import_module(f"docs.pictures.{path.stem}").pictures()
    return found


def draw(names: list[str]) -> None:
    """Write the pictures of these names, or all."""
    import vl_convert

    makers = pictures()
    unknown = sorted(set(names) - set(makers))
    if unknown:
        sys.exit(f"no picture is called {unknown[0]}; there are {', '.join(sorted(makers))}")
    for name in names or sorted(makers):
        spec = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": LOOK, "padding": 10, **makers[name]()}
        (DOCS / "images" / "agents" / f"{name}.png").write_bytes(vl_convert.vegalite_to_png(spec, scale=SCALE))


if __name__ == "__main__":
    draw(sys.argv[1:])
