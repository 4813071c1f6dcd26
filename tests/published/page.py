"""The validation page: every model beside what was published of it, as tables and plots.

The full run takes some minutes on two cores; ``quick`` takes the sizes the tests use. Experiments are independent, so two run at a time.
"""

from __future__ import annotations

import html
import importlib
import math
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.published.section import Section

EXPERIMENTS = {
    "cont_stoikov_talreja": "Cont, Stoikov and Talreja (2010): a stochastic model for order book dynamics",
    "zero_intelligence": "Smith, Farmer, Gillemot and Krishnamurthy (2003): statistical theory of the continuous double auction",
    "hawkes": "Hawkes processes (Bacry, Mastromatteo and Muzy 2015)",
    "queue_reactive": "Huang, Lehalle and Rosenbaum (2015): the queue-reactive model",
    "avellaneda_stoikov": "Avellaneda and Stoikov (2008): high-frequency trading in a limit order book",
    "gueant_lehalle_tapia": "Guéant, Lehalle and Fernandez-Tapia (2013): dealing with the inventory risk",
    "almgren_chriss": "Almgren and Chriss (2000): optimal execution of portfolio transactions",
    "rmsc04": "RMSC04, the reference market of ABIDES",
}
STYLE = """
body { font: 15px/1.5 Roboto, Helvetica, Arial, sans-serif; color: #1c2430; max-width: 1000px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.25rem; margin-top: 3rem; border-top: 2px solid #1c2430; padding-top: .6rem }
h3 { font-size: 1.05rem } p { color: #5f6875 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px }
th, td { text-align: right; padding: 2px 10px; border-bottom: 1px solid #e4e7ec } th { color: #5f6875; font-weight: 500 }
th:first-child, td:first-child { text-align: left } svg { max-width: 100%; height: auto; margin: 1rem 0 }
"""


def main(arguments: list[str]) -> None:
    """Run every experiment and write the page."""
    full = "quick" not in arguments
    places = [Path(argument) for argument in arguments if argument != "quick"]
    folder = places[0] if places else Path("data/validation")
    started = time.perf_counter()
    sections: dict[str, list[Section]] = {}
    # Processes of their own: each experiment keeps its worlds, and Numba its memory, to itself.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(run, name, full): name for name in EXPERIMENTS}
        for done in as_completed(running):
            name = running[done]
            sections[name] = done.result()
            print(f"{len(sections)} of {len(EXPERIMENTS)}: {name}, {time.perf_counter() - started:.0f} s", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(rendered({title: sections[name] for name, title in EXPERIMENTS.items()}, full))
    print(f"wrote {page}")


def run(name: str, full: bool) -> list[Section]:
    """Return one experiment's sections."""
    sections: list[Section] = importlib.import_module(f"tests.published.{name}").report(full)
    return sections


def rendered(chapters: dict[str, list[Section]], full: bool) -> str:
    """Return the page, a chapter a paper; it asks no other host for anything."""
    size = "Full sizes." if full else "Small sizes, as in the tests: standard errors are larger than in the full run."
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Models beside what was published</title><style>{STYLE}</style>",
        f"<h1>Models beside what was published</h1><p>{size} Written by <code>make validate</code>.</p>",
    ]
    for title, sections in chapters.items():
        parts.append(f"<h2>{html.escape(title)}</h2>")
        for section in sections:
            parts.append(f"<h3>{html.escape(section.title)}</h3><p>{html.escape(section.text)}</p>")
            if section.chart is not None:
                parts.append(drawn(section.chart))
            parts.append(table(section))
    return "\n".join(parts) + "\n"


def drawn(chart: dict[str, Any]) -> str:
    """Return a Vega-Lite chart as SVG."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart))


def table(section: Section) -> str:
    """Return a section's table."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in section.columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(shown(value))}</td>" for value in row) + "</tr>" for row in section.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def shown(value: Any) -> str:
    """Return a cell's text: numbers with four significant digits, whole ones in full."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
