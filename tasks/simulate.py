"""Simulate: trade the clean bars and write down every order, fill, position and account."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from marketsim.config.run import RunSpec
from marketsim.markets.outcome import Simulation
from marketsim.simulate import simulate as simulate_market
from marketsim.trial_scores import trials_table
from marketsim.trials import chosen_spec
from tasks.references import RunRef, SimulationRef
from tasks.staged import Progress, base_dir_of, finished, read_clean, recorded_of, silent, spec_of, streams
from tasks.trials import read_choice
from warehouse.run_tables import RUNS
from warehouse.staging import Staging

STEP = "simulate"
TABLES = ("orders", "fills", "positions", "equity", "health")
MARKET_TABLES = ("market_bars", "market_activity", "market_agents", "simulated_sessions")


def simulate(run: RunRef, root: Path, progress: Progress = silent) -> SimulationRef:
    """Run the strategy and the agents over a validated run's bars; where trials were made, with the parameters chosen.

    A failed health gate does not stop the run: it is published as failed, with the reason, so that it can be looked into.
    """
    staging = Staging(root, run.run_id)
    if (before := finished(staging, STEP, SimulationRef)) is not None:
        progress("the simulation is finished already")
        return before
    spec, bars = spec_of(staging), read_clean(staging)
    choice = read_choice(staging) if run.has_trials else None
    traded = spec if choice is None else chosen_spec(spec, bars, choice)
    base_dir, recorded = base_dir_of(staging), recorded_of(staging, spec)
    with streams(staging) as sink:
        result = simulate_market(traded, bars, base_dir=base_dir, recorded=recorded, sink=sink, progress=progress)
    for name in TABLES:
        staging.write_table(name, getattr(result, name))
    for name, table in result.market.items():
        staging.write_table(name, table)
    if choice is not None:
        staging.write_table("trials", trials_table(spec, bars, choice, result))
    progress(_told(spec, result))
    failed = result.health.filter(pc.invert(result.health["passed"]))
    reason = " ".join(failed["message"].to_pylist())
    staging.write_table("runs", _runs_row(spec, result, staging.payload("ingest"), run, reason))
    reference = SimulationRef(
        run_id=run.run_id, n_orders=result.orders.num_rows, n_fills=result.fills.num_rows, healthy=not reason, reason=reason
    )
    staging.mark(STEP, {"reference": reference.model_dump(mode="json")})
    return reference


def _told(spec: RunSpec, result: Simulation) -> str:
    if spec.traders:
        return f"{result.orders.num_rows:,} orders, {result.fills.num_rows:,} fills"
    n_orders, n_trades = pc.sum(result.market["market_agents"]["n_orders"]), pc.sum(result.market["market_bars"]["n_trades"])
    return f"{n_orders.as_py():,} orders, {n_trades.as_py():,} trades"


def _runs_row(spec: RunSpec, result: Simulation, ingested: dict[str, str], run: RunRef, reason: str) -> pa.Table:
    # Where there is no strategy, any account has the market's bars.
    first = "strategy" if spec.strategy is not None else result.equity["agent"][0]
    own = result.equity.filter(pc.equal(result.equity["agent"], first))
    row = {
        "name": spec.name,
        "mode": spec.mode,
        "horizon": spec.horizon,
        "market": spec.market.kind,
        "status": "failed" if reason else "success",
        "status_reason": reason,
        "start_date": spec.start,
        "end_date": own["session_date"][-1].as_py(),
        "n_symbols": run.n_symbols,
        "n_bars": own.num_rows,
        "seed": spec.seed,
        "config_digest": spec.digest,
        "snapshot_digest": ingested["snapshot_digest"],
        "code_version": ingested["code_version"],
        "parent_run_id": "",
    }
    return pa.Table.from_pylist([row], RUNS.arrow)
