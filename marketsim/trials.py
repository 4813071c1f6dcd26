"""Sweeps and walk-forwards: which trials to make, what each one earned, which one is chosen, and what the choice was worth."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from marketsim.agents.scheduled import Scheduled
from marketsim.config.file import check_spec, with_value
from marketsim.config.run import RunSpec, Sweep, WalkForward
from marketsim.errors import ConfigError
from marketsim.markets.panel import IntArray, panel
from marketsim.risk.measures import BY_NAME
from marketsim.risk.sharpe_significance import Trials

MAX_TRIALS = 100_000
SWEEP_WINDOW = -1


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
    sweep = sweep_of(spec)
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
    foreign = [key for key in sweep_of(spec).parameters if not key.startswith("strategy.")]
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


def choose(spec: RunSpec, results: Sequence[TrialResult]) -> Choice:
    """Choose the best trial of each window by the sweep's metric; a tie goes to the earlier trial, an undefined value loses."""
    sign = -1.0 if BY_NAME[sweep_of(spec).metric].better == "lower" else 1.0

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
                "strategy": variant(spec, result.trial.parameters).model_dump(mode="json")["strategy"],
                "opening_weights": result.closing_weights,
            }
        )
    kind = f"{Scheduled.__module__}:{Scheduled.__qualname__}"
    return _changed(spec, {"strategy": {"kind": kind, "params": {"stages": stages}}})


def sweep_of(spec: RunSpec) -> Sweep:
    """Return the run's sweep; a run without one is a `ConfigError`."""
    if spec.sweep is None:
        raise ConfigError(f"sweep: missing in the configuration of {spec.name}; list the parameters to try below `sweep: parameters:`.")
    return spec.sweep


def _changed(spec: RunSpec, changes: dict[str, Any]) -> RunSpec:
    data = spec.model_copy(update={"sweep": None, "walk_forward": None}).model_dump(mode="json")
    for key, value in changes.items():
        data = with_value(data, key, value, spec.name)
    shown = ", ".join(f"{key} = {json.dumps(value)}" for key, value in changes.items() if not isinstance(value, dict))
    return check_spec(data, f"{spec.name} with {shown}" if shown else spec.name)


def _closes(spec: RunSpec, bars: pa.Table) -> IntArray:
    """Return the close of every bar of the traded symbols, (n_bars,) ns since the epoch."""
    return panel(bars, spec.symbols, max_bars=spec.max_ticks).close_ns
