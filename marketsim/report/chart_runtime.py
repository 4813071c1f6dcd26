"""The JavaScript that draws charts, the same for every page; putting it together takes a second, so it is kept beside compiled code."""

from __future__ import annotations

import functools
import os
from importlib.metadata import version

from marketsim.kernel.compile import CACHE_FOLDER


@functools.cache
def chart_runtime() -> str:
    """Return the Vega runtime with its `vegaEmbed`, ready to stand inside a script element."""
    kept = None if CACHE_FOLDER is None else CACHE_FOLDER / f"charts-{version('vl-convert-python')}.js"
    if kept is not None and kept.is_file():
        return kept.read_text(encoding="utf-8")
    from vl_convert import javascript_bundle

    text = str(javascript_bundle("window.vegaEmbed = vegaEmbed;")).replace("</script", "<\\/script")
    if kept is not None:
        # Whole or not at all: another process may look at the same time.
        unfinished = kept.with_suffix(f".{os.getpid()}")
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(kept)
    return text
