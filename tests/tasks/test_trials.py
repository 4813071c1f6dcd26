"""Sweeps and walk-forwards on small random walks: plan, choice, and what the chosen run trades."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from marketsim import trial_scores, trials
from marketsim.config.run import RunSpec
from marketsim.errors import ConfigError
from marketsim.simulate import simulate
from warehouse.account_tables import TRIALS
from warehouse.run_tables import BARS

DAY = dt.timedelta(days=1)
UTC = pa.timestamp("ns", tz="UTC")


def walk(symbols: tuple[str, ...] = ("A", "B"), n: int = 120, seed: int = 3) -> pa.Table:
    """Return canonical bars of random walks, one a calendar day."""
    generator = np.random.default_rng(seed)
    parts = []
    for symbol in symbols:
        close = 100 * np.exp(np.cumsum(generator.normal(0, 0.02, n)))
        opened = np.concatenate([[100.0], close[:-1]])
        day = np.datetime64("2020-01-01") + np.arange(n)
        midnight = day.astype("datetime64[ns]").astype(np.int64)
        values = [
            [symbol] * n,
            day,
            pa.array(midnight + 14 * 3_600_000_000_000).view(UTC),
            pa.array(midnight + 21 * 3_600_000_000_000).view(UTC),
            opened,
            np.maximum(opened, close) * 1.001,
            np.minimum(opened, close) * 0.999,
            close,
            np.full(n, 1e6),
            np.ones(n),
            np.zeros(n),
            ["test"] * n,
            pa.nulls(n, UTC),
        ]
        parts.append(
            pa.table(
                [pa.array(v, f.type) if not isinstance(v, pa.Array) else v for v, f in zip(values, BARS.arrow, strict=True)],
                schema=BARS.arrow,
            )
        )
    return pa.concat_tables(parts)


def spec(**changes: Any) -> RunSpec:
    base: dict[str, Any] = {
        "name": "sweep",
        "symbols": ["A", "B"],
        "start": "2020-01-01",
        "strategy": {"kind": "sma_crossover", "fast": 2, "slow": 5},
        "sweep": {"parameters": {"strategy.fast": [2, 3], "strategy.slow": [5, 8, 13]}},
    }
    return RunSpec.model_validate({**base, **changes})


def all_results(run: RunSpec, bars: pa.Table) -> list[trials.TrialResult]:
    return [trial_scores.run_trial(run, bars, trial) for trial in trials.plan(run, bars)]


def test_a_sweep_tries_every_combination_once_over_all_bars() -> None:
    bars = walk()
    planned = trials.plan(spec(), bars)
    assert [tuple(t.parameters.values()) for t in planned] == [(2, 5), (2, 8), (2, 13), (3, 5), (3, 8), (3, 13)]
    assert {t.window for t in planned} == {-1}
    assert {(t.first_ns, t.last_ns) for t in planned} == {
        (bars["close_utc"].cast(pa.int64())[0].as_py(), bars["close_utc"].cast(pa.int64())[-1].as_py())
    }


def test_a_trial_earns_what_the_same_strategy_earns_on_its_own() -> None:
    bars = walk()
    result = trial_scores.run_trial(spec(), bars, trials.plan(spec(), bars)[4])
    alone = simulate(spec(strategy={"kind": "sma_crossover", "fast": 3, "slow": 8}, sweep=None), bars)
    final = alone.equity["equity_cash"][-1].as_py()
    assert result.score.total_return_frac == pytest.approx(final / 1_000_000 - 1)
    returns = alone.equity["return_frac"].to_numpy()
    assert result.score.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(252))


def test_the_best_value_wins_and_a_tie_goes_to_the_earlier_trial() -> None:
    bars = walk()
    results = all_results(spec(), bars)
    choice = trials.choose(spec(), results)
    values = [r.score.value for r in results]
    assert choice.chosen == (values.index(max(v for v in values if v is not None)),)
    level = [r.model_copy(update={"score": r.score.model_copy(update={"value": 1.0})}) for r in results]
    assert trials.choose(spec(), level).chosen == (0,)


def test_an_undefined_value_is_never_chosen_over_a_defined_one() -> None:
    results = all_results(spec(), walk())
    blank = [r.model_copy(update={"score": r.score.model_copy(update={"value": None if i else -9.0})}) for i, r in enumerate(results)]
    assert trials.choose(spec(), blank).chosen == (0,)


def test_where_lower_is_better_the_lowest_wins() -> None:
    run = spec(sweep={"metric": "volatility", "parameters": {"strategy.slow": [5, 8, 13]}})
    results = all_results(run, walk())
    values = [r.score.value for r in results]
    assert trials.choose(run, results).chosen == (values.index(min(v for v in values if v is not None)),)


def test_the_table_states_how_many_trials_were_made() -> None:
    bars, run = walk(), spec()
    choice = trials.choose(run, all_results(run, bars))
    final = trials.chosen_spec(run, bars, choice)
    table = trial_scores.trials_table(run, bars, choice, simulate(final, bars))
    assert table.schema == TRIALS.arrow
    assert table["n_trials"].to_pylist() == [6] * 6
    assert table["chosen"].to_pylist().count(True) == 1
    chosen = table.filter(table["chosen"]).to_pylist()[0]
    assert json.loads(chosen["parameters_json"]) == {"strategy.fast": final.strategy.fast, "strategy.slow": final.strategy.slow}  # type: ignore[union-attr]
    assert choice.significance.n == 6


def test_windows_tile_the_bars_after_the_first_training_window() -> None:
    bars = walk(n=100)
    run = spec(walk_forward={"train_bars": 30, "test_bars": 25})
    closes = sorted(set(bars["close_utc"].cast(pa.int64()).to_pylist()))
    found = [
        (closes.index(w.train_first_ns), closes.index(w.train_last_ns), closes.index(w.test_first_ns), closes.index(w.test_last_ns))
        for w in trials.windows(run, bars)
    ]
    assert found == [(0, 29, 30, 54), (25, 54, 55, 79), (50, 79, 80, 99)]


def test_an_anchored_walk_forward_learns_from_everything_before() -> None:
    run = spec(walk_forward={"train_bars": 30, "test_bars": 25, "anchored": True})
    assert len({w.train_first_ns for w in trials.windows(run, walk(n=100))}) == 1


def test_a_walk_forward_trades_nothing_before_its_first_choice_and_holds_the_opening_weights_after() -> None:
    bars = walk()
    run = spec(walk_forward={"train_bars": 60, "test_bars": 30}, account={"cash": 1e9})
    choice = trials.choose(run, all_results(run, bars))
    simulation = simulate(trials.chosen_spec(run, bars, choice), bars)
    first = trials.windows(run, bars)[0]
    times = simulation.fills["fill_utc"].cast(pa.int64()).to_pylist()
    assert min(times) > first.train_last_ns
    opening = choice.results[choice.chosen[0]].closing_weights
    at_open = simulation.positions.filter(pc.equal(simulation.positions["close_utc"].cast(pa.int64()), first.test_first_ns))
    held = dict(zip(at_open["symbol"].to_pylist(), at_open["qty_shares"].to_pylist(), strict=True))
    closes = {
        row["symbol"]: row["close_price"]
        for row in bars.filter(pc.equal(bars["close_utc"].cast(pa.int64()), first.train_last_ns))
        .select(["symbol", "close_price"])
        .to_pylist()
    }
    assert opening
    for symbol, weight in opening.items():
        assert held.get(symbol, 0.0) == pytest.approx(weight * 1e9 / closes[symbol], abs=1.0)


def test_a_choice_never_sees_the_bars_it_is_traded_on() -> None:
    run = spec(walk_forward={"train_bars": 60, "test_bars": 30})
    bars = walk()
    cut = trials.windows(run, bars)[0].train_last_ns
    later = pc.greater(bars["close_utc"].cast(pa.int64()), cut)
    prices = ("open_price", "high_price", "low_price", "close_price")
    changed = bars
    for name in prices:
        factor = pc.if_else(later, 3.0, 1.0)
        changed = changed.set_column(changed.schema.get_field_index(name), BARS.arrow.field(name), pc.multiply(changed[name], factor))
    first = [r for r in all_results(run, bars) if r.trial.window == 0]
    again = [r for r in all_results(run, changed) if r.trial.window == 0]
    assert first == again


def test_out_of_sample_returns_compound_to_the_accounts_own() -> None:
    run, bars = spec(walk_forward={"train_bars": 60, "test_bars": 30}), walk()
    choice = trials.choose(run, all_results(run, bars))
    simulation = simulate(trials.chosen_spec(run, bars, choice), bars)
    table = trial_scores.trials_table(run, bars, choice, simulation)
    out = table.filter(pc.equal(table["sample"], "out"))
    assert out["window_number"].to_pylist() == [0, 1]
    growth = np.prod(1 + out["total_return_frac"].to_numpy())
    assert growth == pytest.approx(simulation.equity["equity_cash"][-1].as_py() / 1_000_000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sweep": None}, "sweep: missing"),
        ({"sweep": {"metric": "sharp", "parameters": {"strategy.fast": [2]}}}, "'sharp' is not a measure"),
        ({"sweep": {"parameters": {"strategy.fast": [2, 9]}}}, "strategy.fast = 9"),
        ({"sweep": {"parameters": {"strategy.fats": [2]}}}, "did you mean 'fast'"),
        ({"sweep": {"parameters": {"slippage_bps": [1]}}, "walk_forward": {"train_bars": 30}}, "slippage_bps cannot change"),
        ({"walk_forward": {"train_bars": 500}}, "leaves nothing to trade of 120 bars"),
        ({"sweep": {"parameters": {f"strategy.k{i}": list(range(100)) for i in range(3)}}}, "1,000,000 trials"),
    ],
)
def test_what_cannot_be_swept_is_one_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        trials.plan(spec(**changes), walk())
