"""One part of the page that sets measured figures beside published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, a table, and a Vega-Lite chart or none."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    chart: dict[str, Any] | None = None
