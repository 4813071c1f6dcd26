"""What trials earned: each one simulated in memory, and table `trials` of them all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from marketsim.config.run import RunSpec
from marketsim.risk.account import Ledger
from marketsim.risk.metrics import metrics
from marketsim.risk.ratios import sharpe
from marketsim.simulate import Simulation, simulate
from marketsim.trials import Choice, Score, Trial, TrialResult, sweep_of, variant, windows

if TYPE_CHECKING:
    from marketsim.replay.stream import Stream

SCHEMA = pa.schema(
    [
        pa.field("trial", pa.int64(), nullable=False),
        pa.field("n_trials", pa.int64(), nullable=False),
        pa.field("window_number", pa.int64(), nullable=False),
        pa.field("sample", pa.string(), nullable=False),
        pa.field("start_date", pa.date32(), nullable=False),
        pa.field("end_date", pa.date32(), nullable=False),
        pa.field("parameters_json", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("sharpe", pa.float64()),
        pa.field("total_return_frac", pa.float64()),
        pa.field("max_drawdown_frac", pa.float64()),
        pa.field("chosen", pa.bool_(), nullable=False),
    ]
)


def run_trial(spec: RunSpec, bars: pa.Table, trial: Trial, base_dir: Path = Path(), recorded: Stream | None = None) -> TrialResult:
    """Simulate one trial in memory on its stretch of bars; ``base_dir`` and ``recorded`` are as for `simulate`."""
    own = variant(spec, trial.parameters)
    stretch = _between(bars, trial.first_ns, trial.last_ns)
    simulation = simulate(own, stretch, base_dir=base_dir, recorded=recorded)
    return TrialResult(trial=trial, score=_score(spec, own, stretch, simulation), closing_weights=_closing_weights(simulation))


def trials_table(spec: RunSpec, bars: pa.Table, choice: Choice, simulation: Simulation) -> pa.Table:
    """Return table `trials`: what each trial earned in sample, and for a walk-forward what each choice earned afterwards.

    Parameters
    ----------
    simulation : the run of `chosen_spec`; its account's returns in a window's test bars are that window's out-of-sample result.
    """
    rows = [_row(spec, choice, result.trial, "in", result.score, result.trial.number in choice.chosen) for result in choice.results]
    if spec.walk_forward is not None:
        for window, number in zip(windows(spec, bars), choice.chosen, strict=True):
            stretch = _between(bars, window.test_first_ns, window.test_last_ns)
            traded = _cut(simulation, window.test_first_ns, window.test_last_ns)
            score = _score(spec, _starting_from(spec, traded), stretch, traded)
            rows.append(_row(spec, choice, choice.results[number].trial, "out", score, True))
    rows.sort(key=lambda row: row["trial"])
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(spec: RunSpec, choice: Choice, trial: Trial, sample: str, score: Score, chosen: bool) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "n_trials": len(choice.results),
        "window_number": trial.window,
        "sample": sample,
        "parameters_json": json.dumps(trial.parameters, sort_keys=True),
        "metric": sweep_of(spec).metric,
        "chosen": chosen,
        **score.model_dump(exclude={"sharpe_per_bar"}),
    }


def _between(table: pa.Table, first_ns: int, last_ns: int, column: str = "close_utc") -> pa.Table:
    at = table[column].cast(pa.int64())
    return table.filter(pc.and_(pc.greater_equal(at, first_ns), pc.less_equal(at, last_ns)))


def _cut(simulation: Simulation, first_ns: int, last_ns: int) -> Simulation:
    """Return what happened between two closes, included."""
    return Simulation(
        orders=_between(simulation.orders, first_ns, last_ns, "ended_utc"),
        fills=_between(simulation.fills, first_ns, last_ns, "fill_utc"),
        positions=_between(simulation.positions, first_ns, last_ns),
        equity=_between(simulation.equity, first_ns, last_ns),
        health=simulation.health,
    )


def _starting_from(spec: RunSpec, traded: Simulation) -> RunSpec:
    """Return the specification of the strategy alone, with the equity it had before the first bar of ``traded`` as its cash."""
    first = traded.equity.filter(pc.equal(traded.equity["agent"], "strategy")).slice(0, 1).to_pylist()[0]
    account = spec.account.model_copy(update={"cash": first["equity_cash"] / (1.0 + first["return_frac"])})
    return spec.model_copy(update={"agents": [], "account": account})


def _score(spec: RunSpec, own: RunSpec, bars: pa.Table, ledger: Ledger) -> Score:
    table = metrics(own, bars, ledger)
    mine = table.filter(pc.equal(table["agent"], "strategy"))
    values = dict(zip(mine["metric"].to_pylist(), mine["value"].to_pylist(), strict=True))
    own_equity = ledger.equity.filter(pc.equal(ledger.equity["agent"], "strategy"))
    sharpe_per_bar = sharpe(own_equity["return_frac"].to_numpy(), 1.0)
    return Score(
        start_date=own_equity["session_date"][0].as_py(),
        end_date=own_equity["session_date"][-1].as_py(),
        value=values[sweep_of(spec).metric],
        sharpe=values["sharpe"],
        sharpe_per_bar=sharpe_per_bar if math.isfinite(sharpe_per_bar) else None,
        total_return_frac=values["total_return"],
        max_drawdown_frac=values["max_drawdown"],
    )


def _closing_weights(simulation: Simulation) -> dict[str, float]:
    """Return the share of equity held in each symbol at the last close."""
    equity = simulation.equity.filter(pc.equal(simulation.equity["agent"], "strategy"))
    positions = simulation.positions.filter(
        pc.and_(
            pc.equal(simulation.positions["agent"], "strategy"),
            pc.equal(simulation.positions["close_utc"], equity["close_utc"][-1]),
        )
    )
    total = equity["equity_cash"][-1].as_py()
    held = zip(positions["symbol"].to_pylist(), positions["market_value_cash"].to_pylist(), strict=True)
    return {symbol: value / total for symbol, value in held if total > 0}
