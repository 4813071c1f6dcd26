"""Tables and objects as the command line prints them."""

from __future__ import annotations

import datetime as dt
import json
import math
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click

from marketsim.cli.failures import printable

_GAP = "  "
_NARROWEST = 8  # a text column is not cut below this many characters


def print_object(value: Any) -> None:
    """Print one JSON object on a line of its own; NaN and infinities become null, dates ISO 8601 text."""
    click.echo(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, width: int | None = None) -> None:
    """Print aligned columns: numbers to the right, NULL spelled out, cut to the terminal with a hint.

    Parameters
    ----------
    columns : headings.
    rows : one sequence a row, as long as ``columns``.
    width : characters a line may take; None = the terminal's, or no limit when the output goes to a file or pipe.
    """
    if width is None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    cells = [_column([row[n] for row in rows]) for n in range(len(columns))]
    headings = [printable(name).replace("\n", " ") for name in columns]
    right = [_is_numeric([row[n] for row in rows]) for n in range(len(columns))]
    natural = [max([_width(heading), *(_width(cell) for cell in column)]) for heading, column in zip(headings, cells, strict=True)]
    widths = _fitted(natural, right, width)
    click.echo(_line(headings, widths, right))
    click.echo(_GAP.join("─" * w for w in widths))
    for n in range(len(rows)):
        click.echo(_line([column[n] for column in cells], widths, right))
    hidden = headings[len(widths) :]
    if hidden:
        click.echo(f"… {len(hidden)} more column(s): {', '.join(hidden)}; widen the terminal, name fewer columns, or use --csv.")
    elif any(w < n for w, n in zip(widths, natural, strict=False)):
        click.echo("… some cells are cut; widen the terminal, or use --csv or --json for all of them.")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):  # DuckDB's sums of whole numbers come as decimals without a fraction
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime, dt.time)) else str(value)


def _is_numeric(values: list[Any]) -> bool:
    return all(value is None or (isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)) for value in values)


def _column(values: list[Any]) -> list[str]:
    """Return one column's cells; floats share a number of decimals where that shows all of them, so that their points stand in line."""
    sizes = [abs(value) for value in values if isinstance(value, float) and math.isfinite(value) and value]
    decimals = 2 if max(sizes, default=0) >= 1000 else 4 if max(sizes, default=0) >= 0.1 else 6
    vanishing = not sizes or max(sizes) >= 1e15 or min(sizes) < 0.5 * 10**-decimals
    style = ".6g" if vanishing else f".{decimals}f"
    return [_cell(value, style) for value in values]


def _cell(value: Any, style: str) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format(value, style)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ").replace("+00:00", "Z")
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return printable(str(value)).replace("\n", "\\n")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _fitted(natural: list[int], right: list[bool], width: int) -> list[int]:
    """Return the widths of the leading columns that fit: long text is cut first, then columns at the end are left out."""
    widths = list(natural)
    while sum(widths) + len(_GAP) * (len(widths) - 1) > width and len(widths) > 1:
        text = [n for n, numeric in enumerate(right[: len(widths)]) if not numeric and widths[n] > _NARROWEST]
        if not text:
            widths.pop()
            continue
        widest = max(text, key=lambda n: widths[n])
        excess = sum(widths) + len(_GAP) * (len(widths) - 1) - width
        second = max([_NARROWEST, *(widths[n] for n in text if n != widest)])
        widths[widest] = max(min(second, widths[widest] - 1), widths[widest] - excess, _NARROWEST)
    return [min(w, width) for w in widths]


def _line(cells: list[str], widths: list[int], right: list[bool]) -> str:
    shown = [_cut(cell, w) for cell, w in zip(cells, widths, strict=False)]
    padded = [
        " " * (w - _width(cell)) + cell if numeric else cell + " " * (w - _width(cell))
        for cell, w, numeric in zip(shown, widths, right, strict=False)
    ]
    return _GAP.join(padded).rstrip()


def _cut(cell: str, width: int) -> str:
    if _width(cell) <= width:
        return cell
    kept = ""
    for character in cell:
        if _width(kept + character) > width - 1:
            break
        kept += character
    return kept + "…"
