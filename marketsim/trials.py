"""Sweeps and walk-forwards: which trials to make, what each one earned, which one is chosen, and what the choice was worth."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from marketsim.agents.scheduled import Scheduled
from marketsim.config import RunSpec, Sweep, WalkForward
from marketsim.configfile import check_spec, with_value
from marketsim.errors import ConfigError
from marketsim.markets.panel import IntArray, panel
from marketsim.risk.account import Ledger
from marketsim.risk.measures import BY_NAME
from marketsim.risk.metrics import metrics
from marketsim.risk.ratios import sharpe
from marketsim.risk.sharpe_significance import Trials
from marketsim.simulate import Simulation, simulate

MAX_TRIALS = 100_000
SWEEP_WINDOW = -1

SCHEMA = pa.schema(
    [
        pa.field("trial", pa.int64(), nullable=False),
        pa.field("n_trials", pa.int64(), nullable=False),
        pa.field("window", pa.int64(), nullable=False),
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


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(_Record):
    """One set of parameters on one stretch of bars, first and last bar's close included, ns since the epoch."""

    number: int
    window: int
    first_ns: int
    last_ns: int
    parameters: dict[str, Any]


class Window(_Record):
    """One step of a walk-forward: closes of the first and last bar it learns from and trades, ns since the epoch."""

    number: int
    train_first_ns: int
    train_last_ns: int
    test_first_ns: int
    test_last_ns: int


class Score(_Record):
    """What a stretch of bars was worth; None where a measure is not defined."""

    start_date: dt.date
    end_date: dt.date
    value: float | None
    sharpe: float | None
    sharpe_per_bar: float | None
    total_return_frac: float | None
    max_drawdown_frac: float | None


class TrialResult(_Record):
    """A trial, its score, and the weights it held at the last close."""

    trial: Trial
    score: Score
    closing_weights: dict[str, float]


class Choice(_Record):
    """All trials made, and the number of the one chosen: one for a sweep, one a window for a walk-forward."""

    results: tuple[TrialResult, ...]
    chosen: tuple[int, ...]

    @property
    def significance(self) -> Trials:
        """What the deflated Sharpe ratio needs: how many trials, and the variance of their Sharpe ratios per bar."""
        known = [r.score.sharpe_per_bar for r in self.results if r.score.sharpe_per_bar is not None]
        return Trials(len(self.results), float(np.var(known, ddof=1)) if len(known) > 1 else 0.0)


def plan(spec: RunSpec, bars: pa.Table) -> tuple[Trial, ...]:
    """Return every trial of the run's `sweep`, repeated for every window of its `walk_forward` where there is one.

    Raises
    ------
    ConfigError
        There is no sweep, its metric is unknown, a combination is not allowed, there are too many of them, or too few bars.
    """
    sweep = _sweep(spec)
    if sweep.metric not in BY_NAME:
        raise ConfigError(f"sweep.metric: '{sweep.metric}' is not a measure; use one of {', '.join(sorted(BY_NAME))}.")
    closes = _closes(spec, bars)
    spans = [(w.number, w.train_first_ns, w.train_last_ns) for w in windows(spec, bars)] if spec.walk_forward else []
    spans = spans or [(SWEEP_WINDOW, int(closes[0]), int(closes[-1]))]
    n_trials = math.prod(len(values) for values in sweep.parameters.values()) * len(spans)
    if n_trials > MAX_TRIALS:
        raise ConfigError(f"sweep.parameters: {n_trials:,} trials; {MAX_TRIALS:,} are allowed, so list fewer values.")
    combinations = [dict(zip(sweep.parameters, values, strict=True)) for values in itertools.product(*sweep.parameters.values())]
    for parameters in combinations:
        variant(spec, parameters)
    return tuple(
        Trial(number=number, window=window, first_ns=first, last_ns=last, parameters=parameters)
        for number, ((window, first, last), parameters) in enumerate(itertools.product(spans, combinations))
    )


def windows(spec: RunSpec, bars: pa.Table) -> tuple[Window, ...]:
    """Return the walk-forward's windows in order; the last one may trade fewer bars than the others.

    Raises
    ------
    ConfigError
        The bars do not fill one training window and one bar to trade, or a swept key is not the strategy's.
    """
    rules = spec.walk_forward or WalkForward()
    foreign = [key for key in _sweep(spec).parameters if not key.startswith("strategy.")]
    if foreign:
        raise ConfigError(f"sweep.parameters: {foreign[0]} cannot change during a walk-forward; only keys below `strategy` can.")
    closes = _closes(spec, bars)
    if len(closes) <= rules.train_bars:
        raise ConfigError(
            f"walk_forward.train_bars: {rules.train_bars} leaves nothing to trade of {len(closes)} bars; use fewer, or an earlier start."
        )
    return tuple(
        Window(
            number=number,
            train_first_ns=int(closes[0 if rules.anchored else test - rules.train_bars]),
            train_last_ns=int(closes[test - 1]),
            test_first_ns=int(closes[test]),
            test_last_ns=int(closes[min(test + rules.test_bars, len(closes)) - 1]),
        )
        for number, test in enumerate(range(rules.train_bars, len(closes), rules.test_bars))
    )


def variant(spec: RunSpec, parameters: dict[str, Any]) -> RunSpec:
    """Return the specification of one trial: the given dotted keys replaced, its strategy alone in the market.

    Raises
    ------
    ConfigError
        The values are not allowed; the message names them.
    """
    return _changed(spec.model_copy(update={"agents": []}), parameters)


def run_trial(spec: RunSpec, bars: pa.Table, trial: Trial, base_dir: Path = Path()) -> TrialResult:
    """Simulate one trial in memory on its stretch of bars; ``base_dir`` is where relative files named by strategies are looked up."""
    own = variant(spec, trial.parameters)
    stretch = _between(bars, trial.first_ns, trial.last_ns)
    simulation = simulate(own, stretch, base_dir=base_dir)
    return TrialResult(trial=trial, score=_score(spec, own, stretch, simulation), closing_weights=_closing_weights(simulation))


def choose(spec: RunSpec, results: Sequence[TrialResult]) -> Choice:
    """Choose the best trial of each window by the sweep's metric; a tie goes to the earlier trial, an undefined value loses."""
    sign = -1.0 if BY_NAME[_sweep(spec).metric].better == "lower" else 1.0

    def merit(result: TrialResult) -> tuple[float, int]:
        value = result.score.value
        return (-math.inf if value is None else sign * value, -result.trial.number)

    ordered = sorted(results, key=lambda r: r.trial.number)
    groups = itertools.groupby(ordered, key=lambda r: r.trial.window)
    return Choice(results=tuple(ordered), chosen=tuple(max(group, key=merit).trial.number for _, group in groups))


def chosen_spec(spec: RunSpec, bars: pa.Table, choice: Choice) -> RunSpec:
    """Return the specification that trades the choice: the best parameters, or one stage a window."""
    if spec.walk_forward is None:
        return _changed(spec, choice.results[choice.chosen[0]].trial.parameters)
    stages = []
    for window, number in zip(windows(spec, bars), choice.chosen, strict=True):
        result = choice.results[number]
        stages.append(
            {
                "listen_from_ns": window.train_first_ns,
                "trade_from_ns": window.train_last_ns,
                "strategy": variant(spec, result.trial.parameters).strategy.model_dump(mode="json"),
                "opening_weights": result.closing_weights,
            }
        )
    kind = f"{Scheduled.__module__}:{Scheduled.__qualname__}"
    return _changed(spec, {"strategy": {"kind": kind, "params": {"stages": stages}}})


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
            score = _score(spec, spec.model_copy(update={"agents": []}), stretch, traded)
            rows.append(_row(spec, choice, choice.results[number].trial, "out", score, True))
    rows.sort(key=lambda row: row["trial"])
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(spec: RunSpec, choice: Choice, trial: Trial, sample: str, score: Score, chosen: bool) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "n_trials": len(choice.results),
        "window": trial.window,
        "sample": sample,
        "parameters_json": json.dumps(trial.parameters, sort_keys=True),
        "metric": _sweep(spec).metric,
        "chosen": chosen,
        **score.model_dump(exclude={"sharpe_per_bar"}),
    }


def _sweep(spec: RunSpec) -> Sweep:
    if spec.sweep is None:
        raise ConfigError(f"sweep: missing in the configuration of {spec.name}; list the parameters to try below `sweep: parameters:`.")
    return spec.sweep


def _changed(spec: RunSpec, changes: dict[str, Any]) -> RunSpec:
    data = spec.model_dump(mode="json")
    for key, value in changes.items():
        data = with_value(data, key, value, spec.name)
    shown = ", ".join(f"{key} = {json.dumps(value)}" for key, value in changes.items() if not isinstance(value, dict))
    return check_spec(data, f"{spec.name} with {shown}" if shown else spec.name)


def _closes(spec: RunSpec, bars: pa.Table) -> IntArray:
    """Return the close of every bar of the traded symbols, (n_bars,) ns since the epoch."""
    return panel(bars, spec.symbols, max_bars=spec.max_ticks).close_ns


def _between(table: pa.Table, first_ns: int, last_ns: int, column: str = "close_utc") -> pa.Table:
    at = table[column].cast(pa.int64())
    return table.filter(pc.and_(pc.greater_equal(at, first_ns), pc.less_equal(at, last_ns)))


def _cut(simulation: Simulation, first_ns: int, last_ns: int) -> Simulation:
    """Return what happened between two closes, included; the first bar's return is kept, so it starts from the close before."""
    return Simulation(
        orders=_between(simulation.orders, first_ns, last_ns, "ended_utc"),
        fills=_between(simulation.fills, first_ns, last_ns, "fill_utc"),
        positions=_between(simulation.positions, first_ns, last_ns),
        equity=_between(simulation.equity, first_ns, last_ns),
        health=simulation.health,
    )


def _score(spec: RunSpec, own: RunSpec, bars: pa.Table, ledger: Ledger) -> Score:
    table = metrics(own, bars, ledger)
    mine = table.filter(pc.equal(table["agent"], "strategy"))
    values = dict(zip(mine["metric"].to_pylist(), mine["value"].to_pylist(), strict=True))
    own_equity = ledger.equity.filter(pc.equal(ledger.equity["agent"], "strategy"))
    sharpe_per_bar = sharpe(own_equity["return_frac"].to_numpy(), 1.0)
    return Score(
        start_date=own_equity["session_date"][0].as_py(),
        end_date=own_equity["session_date"][-1].as_py(),
        value=values[_sweep(spec).metric],
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
