"""What steps hand to each other: small frozen references, never data; the data lie in the run's staging folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

# Where a browser reaches the API, for links to reports; set by whoever serves both.
API_VARIABLE = "MARKETSIM_API_URL"


class Reference(BaseModel):
    """Base of every reference: frozen, and no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunRequest(Reference):
    """Which run is wanted."""

    config: Path = Field(description="YAML file of the run.")
    overrides: dict[str, Any] = Field(default_factory=dict, description="Dotted key → value laid over the file, e.g. `strategy.fast: 10`.")


class RunRef(Reference):
    """A run whose input is staged, or that is published already."""

    run_id: str
    name: str
    base_dir: Path = Field(description="Folder that relative paths of the configuration start from.")
    already_published: bool
    n_bars: int = Field(description="Bars received, benchmark included.")
    n_symbols: int = Field(description="Traded symbols that have bars.")
    missing: tuple[str, ...] = Field((), description="Symbols no provider had, with the reason.")
    has_trials: bool = Field(False, description="Whether the configuration asks for a sweep or a walk-forward.")


class ValidationRef(Reference):
    """What the checks found."""

    run_id: str
    n_checks: int
    n_failed: int
    n_quarantined: int
    worst: str | None
    sentence: str


class SimulationRef(Reference):
    """What the simulation left behind."""

    run_id: str
    n_orders: int
    n_fills: int
    healthy: bool
    reason: str = Field(description="Why a health gate failed; empty when all passed.")


class ReportRef(Reference):
    """What the report measured."""

    run_id: str
    n_metrics: int
    n_round_trips: int


class Outcome(Reference):
    """How a run ended: what `marketsim run --json` prints."""

    run_id: str
    name: str
    status: Literal["success", "failed"]
    reason: str = Field(description="Why it failed; empty on success.")
    digest: str = Field(description="sha256 over every table of the run.")
    is_new: bool = Field(description="Whether this call published it; false when it was published before.")
    counts: dict[str, int] = Field(description="Rows a table.")
    timings_s: dict[str, float] = Field(description="Wall-clock seconds a stage, of this call.")
    folder: Path = Field(description="Where the run's documents lie.")
    report: Path = Field(description="HTML report.")
    metrics: Path = Field(description="metrics.json.")
    summary: tuple[tuple[str, ...], ...] = Field(description="Summary table, heading first: measure, strategy, agents, benchmark.")
