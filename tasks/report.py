"""Report: measure every account, and write the tear sheet, its picture and the same figures as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.outcome import Simulation
from marketsim.report import RunReport
from marketsim.report import report as make_report
from marketsim.report.market_report import bars_of_market, market_report, with_market
from marketsim.report.tear_sheet import Identity
from marketsim.risk.metrics import NO_TRIALS
from tasks.references import ReportRef, RunRef
from tasks.simulate import MARKET_TABLES, TABLES
from tasks.staged import Progress, finished, read_clean, silent, spec_of
from tasks.trials import read_choice
from warehouse.staging import Staging

STEP = "report"
PAGE, PICTURE, FIGURES = "report.html", "equity.png", "metrics.json"
MARKET_PAGE = "market.html"


def report(run: RunRef, root: Path, progress: Progress = silent) -> ReportRef:
    """Write tables metrics and round_trips and the documents of a simulated run."""
    staging = Staging(root, run.run_id)
    if (before := finished(staging, STEP, ReportRef)) is not None:
        progress("the report is finished already")
        return before
    spec = spec_of(staging)
    row = staging.read_table("runs").to_pylist()[0]
    made = _made(spec, run, staging, row, progress)
    staging.write_table("metrics", made.metrics)
    staging.write_table("round_trips", made.round_trips)
    staging.write_document(PAGE, made.html)
    if made.image_png:
        staging.write_document(PICTURE, made.image_png)
    if made.market_html:
        staging.write_document(MARKET_PAGE, made.market_html)
    figures = _figures(spec, run.run_id, row, made)
    staging.write_document(FIGURES, json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n")
    reference = ReportRef(run_id=run.run_id, n_metrics=made.metrics.num_rows, n_round_trips=made.round_trips.num_rows)
    staging.mark(STEP, {"reference": reference.model_dump(mode="json")})
    return reference


def _made(spec: RunSpec, run: RunRef, staging: Staging, row: dict[str, Any], progress: Progress) -> RunReport:
    further = {name: staging.read_table(name) for name in MARKET_TABLES if name in staging.tables()}
    simulation = Simulation(**{name: staging.read_table(name) for name in TABLES}, market=further)
    findings = staging.read_table("findings")
    identity = Identity(run.run_id, row["snapshot_digest"], row["code_version"])
    if spec.strategy is None and isinstance(spec.market, SimulatedMarket):
        return market_report(spec, spec.market, simulation, findings, identity, progress)
    made = make_report(
        spec,
        _traded(spec, simulation, read_clean(staging)),
        simulation,
        findings,
        run.run_id,
        snapshot_digest=row["snapshot_digest"],
        code_version=row["code_version"],
        sessions=simulation.market.get("simulated_sessions"),
        trials=read_choice(staging).significance if run.has_trials else NO_TRIALS,
        progress=progress,
    )
    return with_market(made, spec, spec.market, simulation, identity) if isinstance(spec.market, SimulatedMarket) else made


def _traded(spec: RunSpec, simulation: Simulation, clean: pa.Table) -> pa.Table:
    """Return the bars the strategies traded on: a simulated market makes its own; the benchmark's are always the data's."""
    if not isinstance(spec.market, SimulatedMarket):
        return clean
    made = bars_of_market(simulation.market["market_bars"])
    others = clean.filter(pc.invert(pc.is_in(clean["symbol"], value_set=made["symbol"].unique())))
    return pa.concat_tables([made, others]).sort_by([("symbol", "ascending"), ("open_utc", "ascending")])


def _figures(spec: RunSpec, run_id: str, row: dict[str, Any], made: RunReport) -> dict[str, Any]:
    """Return the content of metrics.json: who the run is, its summary, and every agent's measures."""
    identity = {key: row[key] for key in ("name", "market", "horizon", "status", "status_reason", "start_date", "end_date", "seed")}
    digests = {key: row[key] for key in ("config_digest", "snapshot_digest", "code_version")}
    agents: dict[str, dict[str, Any]] = {}
    for line in made.metrics.to_pylist():
        agents.setdefault(line["agent"], {"role": line["role"], "metrics": {}})["metrics"][line["metric"]] = line["value"]
    order = ["strategy", *(agent.name for agent in spec.agents), "benchmark"]
    ordered = {name: agents[name] for name in [*order, *agents] if name in agents}
    return {"run_id": run_id, **identity, **digests, "summary": made.summary, "agents": ordered}
