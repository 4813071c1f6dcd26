"""What the API answers: typed, described, with units; a number that is not defined is null."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_RUN: dict[str, Any] = {
    "run_id": "3f9c2a51b7e0",
    "name": "nightly",
    "status": "success",
    "status_reason": "",
    "mode": "backtest",
    "horizon": "daily",
    "market": "bars",
    "start_date": "2005-01-03",
    "end_date": "2013-02-28",
    "n_symbols": 4,
    "n_bars": 2054,
    "seed": 20050103,
    "published_utc": "2026-01-05T21:30:04Z",
    "parent_run_id": "",
}
_AGENT: dict[str, Any] = {
    "agent": "strategy",
    "role": "strategy",
    "metrics": {"total_return": {"value": 1.27, "unit": "fraction"}, "sharpe": {"value": 0.61, "unit": "ratio"}},
}


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class Health(BaseModel):
    """Whether the service can read its warehouse."""

    model_config = _example({"status": "ok", "version": "0.1.0", "catalog_version": 42, "n_runs": 17})

    status: Literal["ok"] = Field(description="`ok`; when the warehouse cannot be read the answer is an error with status 503.")
    version: str = Field(description="Version of marketsim.")
    catalog_version: int = Field(description="Newest published version of the catalog; 0 before the first publication.")
    n_runs: int = Field(description="Published runs.")


class Run(BaseModel):
    """One published run."""

    model_config = _example(_RUN)

    run_id: str = Field(description="Short hash of resolved configuration, data snapshot and code version.")
    name: str = Field(description="Name of the run in its configuration.")
    status: str = Field(description="`success`, or `failed` when a health gate failed.")
    status_reason: str = Field(description="Why it failed; empty on success.")
    mode: str = Field(description="`backtest`.")
    horizon: str = Field(description="`daily` or `intraday`.")
    market: str = Field(description="Market model: `bars`.")
    start_date: dt.date = Field(description="First session asked for.")
    end_date: dt.date = Field(description="Last session in the data.")
    n_symbols: int = Field(description="Traded symbols.")
    n_bars: int = Field(description="Steps of the market, bars.")
    seed: int = Field(description="Seed of the run.")
    published_utc: dt.datetime = Field(description="When it was published, UTC.")
    parent_run_id: str = Field(description="Run this trial belongs to; empty for a run of its own.")


class Runs(BaseModel):
    """One page of the published runs, newest first."""

    model_config = _example({"catalog_version": 42, "total": 1, "limit": 50, "offset": 0, "runs": [_RUN]})

    catalog_version: int = Field(description="Catalog version the page was read from.")
    total: int = Field(description="Runs that match the filters.")
    limit: int = Field(description="Most runs a page may hold.")
    offset: int = Field(description="Matching runs left out before the page.")
    runs: list[Run]


class Measure(BaseModel):
    """One measured value."""

    model_config = ConfigDict(frozen=True)

    value: float | None = Field(description="The value; null where the measure is not defined.")
    unit: str = Field(description="`fraction`, `ratio`, `currency`, `count`, `bars` or `date`.")


class AgentMetrics(BaseModel):
    """What one trader achieved."""

    model_config = _example(_AGENT)

    agent: str = Field(description="Name of the trader; `benchmark` for the benchmark.")
    role: str = Field(description="`strategy`, `agent` or `benchmark`; `market` for measures of a simulated market itself.")
    metrics: dict[str, Measure] = Field(description="Measure by name.")


class Document(BaseModel):
    """A file that was published with a run."""

    model_config = _example({"name": "report.html", "n_bytes": 2_480_113, "href": "/runs/3f9c2a51b7e0/documents/report.html"})

    name: str
    n_bytes: int = Field(description="Size, bytes.")
    href: str = Field(description="Path below this service.")


class RunDetail(Run):
    """A run with its identity, its metrics, the rows it published and its documents."""

    model_config = _example(
        {
            **_RUN,
            "config_digest": "15b2cfcc…",
            "snapshot_digest": "8e01d9aa…",
            "code_version": "0.1.0+5f0c4be1a29d",
            "digest": "c41f77e0…",
            "catalog_version": 42,
            "counts": {"bars": 10270, "fills": 812},
            "agents": [_AGENT],
            "documents": [{"name": "report.html", "n_bytes": 2_480_113, "href": "/runs/3f9c2a51b7e0/documents/report.html"}],
        }
    )

    config_digest: str = Field(description="sha256 of the resolved configuration.")
    snapshot_digest: str = Field(description="sha256 of the canonical input bars.")
    code_version: str = Field(description="Version and digest of the library's sources.")
    digest: str = Field(description="sha256 over the contents of every table of the run.")
    catalog_version: int = Field(description="Catalog version that published it.")
    counts: dict[str, int] = Field(description="Rows a table.")
    agents: list[AgentMetrics]
    documents: list[Document]


class Metrics(BaseModel):
    """The newest published run's metrics."""

    model_config = _example({"catalog_version": 42, "run": _RUN, "agents": [_AGENT]})

    catalog_version: int = Field(description="Catalog version the answer was read from; also its ETag.")
    run: Run
    agents: list[AgentMetrics]


class Problem(BaseModel):
    """Why a request was refused."""

    model_config = _example({"error": "There is no published run 'abc'; /runs lists them."})

    error: str = Field(description="One sentence: what was found, what was expected.")


RunName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Only runs of this name.", examples=["nightly"])]


class Page(BaseModel):
    """Which runs are asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(50, ge=1, le=500, description="Most runs in the answer.")
    offset: int = Field(0, ge=0, le=1_000_000_000, description="Runs to leave out, newest first.")
    name: RunName | None = None
    status: Literal["success", "failed"] | None = Field(None, description="Only runs that ended so.")


class Which(BaseModel):
    """Whose metrics are asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: RunName | None = None
