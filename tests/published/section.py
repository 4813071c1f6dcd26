"""One part of the validation page: a title, what is compared, a table, and a chart where it helps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Section:
    """A table of ours beside the published; ``chart`` is a Vega-Lite specification or None."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    chart: dict[str, Any] | None
