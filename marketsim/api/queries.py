"""The few questions the API asks a catalog; every value is bound, none becomes part of the SQL."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import duckdb

from marketsim.api.models import AgentMetrics, Measure, Page, Run, RunDetail

_RUN = """
SELECT run_id, r.name, r.status, r.status_reason, r.mode, r.horizon, r.market, r.start_date, r.end_date, r.n_symbols, r.n_bars, r.seed,
       p.published_utc, r.parent_run_id, r.config_digest, r.snapshot_digest, r.code_version, p.digest, p.catalog_version
FROM runs AS r JOIN publications AS p USING (run_id)
"""
_FILTER = "WHERE ($name IS NULL OR r.name = $name) AND ($status IS NULL OR r.status = $status)"
_NEWEST_FIRST = "ORDER BY p.catalog_version DESC, p.published_utc DESC, run_id"


def count_runs(cursor: duckdb.DuckDBPyConnection, name: str | None = None, status: str | None = None) -> int:
    """Return how many published runs match."""
    row = cursor.execute(f"SELECT count(*) FROM runs AS r {_FILTER}", {"name": name, "status": status}).fetchone()  # noqa: S608 - constants
    return int(row[0]) if row else 0


def find_runs(cursor: duckdb.DuckDBPyConnection, page: Page) -> list[Run]:
    """Return one page of the published runs, newest first."""
    values = {"name": page.name, "status": page.status, "limit": page.limit, "offset": page.offset}
    cursor.execute(f"{_RUN} {_FILTER} {_NEWEST_FIRST} LIMIT $limit OFFSET $offset", values)
    return [Run.model_validate(row) for row in _rows(cursor)]


def find_run(cursor: duckdb.DuckDBPyConnection, run_id: str) -> RunDetail | None:
    """Return a run with metrics and counts, its documents left empty; None when no such run is published."""
    cursor.execute(f"{_RUN} WHERE run_id = $run_id", {"run_id": run_id})
    found = _rows(cursor)
    if not found:
        return None
    counts = cursor.execute(
        "SELECT table_name, n_rows FROM files WHERE run_id = $run_id ORDER BY table_name", {"run_id": run_id}
    ).fetchall()
    return RunDetail.model_validate({**found[0], "counts": dict(counts), "agents": find_metrics(cursor, run_id), "documents": []})


def find_metrics(cursor: duckdb.DuckDBPyConnection, run_id: str) -> list[AgentMetrics]:
    """Return a run's metrics: the strategy first, then the agents by name, the benchmark last."""
    rows = cursor.execute(
        """
        SELECT agent, role, metric, value, unit FROM metrics WHERE run_id = $run_id
        ORDER BY CASE role WHEN 'strategy' THEN 0 WHEN 'agent' THEN 1 ELSE 2 END, agent, metric
        """,
        {"run_id": run_id},
    ).fetchall()
    by_agent: dict[tuple[str, str], dict[str, Measure]] = {}
    for agent, role, metric, value, unit in rows:
        defined = value is not None and math.isfinite(value)
        by_agent.setdefault((agent, role), {})[metric] = Measure(value=value if defined else None, unit=unit)
    return [AgentMetrics(agent=agent, role=role, metrics=metrics) for (agent, role), metrics in by_agent.items()]


def _rows(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        row["published_utc"] = row["published_utc"].replace(tzinfo=dt.UTC)
    return rows
