"""The strategies that ship, on markets small enough to follow by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.agents.library import build, source_file
from marketsim.agents.strategies.target_weights import read_holdings
from marketsim.config.run import RunSpec
from marketsim.errors import ConfigError
from tests.markets.worlds import Bar, fills, panel, play, spec

FLAT: Bar = (100.0, 100.0, 100.0, 100.0)


def flat_at(*prices: float) -> list[Bar]:
    return [(float(p), float(p), float(p), float(p)) for p in prices]


def strategy(**keys: Any) -> Any:
    run: RunSpec = spec(strategy=keys)
    return build(run.strategy)


def test_buy_and_hold_spends_an_equal_share_on_each_symbol_when_it_first_trades() -> None:
    """95 % of 1,000,000 over two symbols: 475,000 at 100 = 4,750 shares; B first trades in bar 1 at 50: 9,500 shares at bar 2."""
    nothing = (np.nan,) * 4
    world = panel({"A": [FLAT] * 4, "B": [nothing, *flat_at(50, 50, 50)]})
    run = play(world, strategy(kind="buy_and_hold"))
    assert fills(run) == [(1, 1, 4750.0, 100.0), (2, 1, 9500.0, 50.0)]


def test_sma_crossover_trades_the_bar_after_the_averages_cross() -> None:
    """SMA 1 over SMA 2 is a rise of the close: bar 2 closes above bar 1, so bar 3 buys; bar 4 falls, so bar 5 sells."""
    world = panel({"A": flat_at(100, 99, 101, 102, 100, 100)})
    run = play(world, strategy(kind="sma_crossover", fast=1, slow=2, shares=10))
    assert fills(run) == [(3, 1, 10.0, 102.0), (5, -1, 10.0, 100.0)]


def test_sma_crossover_with_short_turns_the_position_around() -> None:
    world = panel({"A": flat_at(100, 99, 101, 102, 100, 100)})
    run = play(world, strategy(kind="sma_crossover", fast=1, slow=2, shares=10, short=True))
    assert fills(run)[-1] == (5, -1, 20.0, 100.0)


def test_a_split_is_no_crossing() -> None:
    world = panel({"A": flat_at(100, 101, 102, 51.5, 52, 52)}, splits={("A", 3): 2.0})
    run = play(world, strategy(kind="sma_crossover", fast=1, slow=3, shares=10))
    assert fills(run) == []


def test_ema_fund_buys_far_below_its_average_and_sells_near_it() -> None:
    calm = [100.0 + (i % 2) for i in range(30)]
    world = panel({"A": flat_at(*calm, 80, 80, 100, 100, 100, 100)})
    run = play(world, strategy(kind="ema_mean_reversion", span=10, entry_z=2.0, exit_z=0.5))
    assert [(bar, side) for bar, side, _, _ in fills(run)] == [(31, 1), (33, -1)]


def test_retail_momentum_chases_a_rise_and_leaves_on_a_fall_from_the_peak() -> None:
    """Rise of 10 % over 2 bars at bar 2; peak 120 at bar 4; 111 is 7.5 % below it, more than the 7 % it bears."""
    world = panel({"A": flat_at(100, 105, 110, 110, 120, 111, 111)})
    run = play(world, strategy(kind="retail_momentum", lookback=2, entry_return=0.1, stop_loss=0.07))
    assert [(bar, side, price) for bar, side, _, price in fills(run)] == [(3, 1, 110.0), (6, -1, 111.0)]


def test_inverse_volatility_gives_the_calm_symbol_more_in_exact_proportion() -> None:
    """B moves twice as much in logs, so A gets 2/3 and B 1/3 of 90 %."""
    a = [100.0 * np.exp(0.01 * (i % 2)) for i in range(5)]
    b = [100.0 * np.exp(0.02 * (i % 2)) for i in range(5)]
    run = play(panel({"A": flat_at(*a), "B": flat_at(*b)}), strategy(kind="inverse_volatility", window=3, weight=0.9))
    bought = {int(f["symbol"]): float(f["qty"]) for f in run.fills}
    close = {0: a[3], 1: b[3]}
    assert bought == {0: np.floor(1e6 * 0.6 / close[0]), 1: np.floor(1e6 * 0.3 / close[1])}


def test_target_weights_follows_a_list_only_from_the_day_after_its_date(tmp_path: Path) -> None:
    """Sessions are 1, 2, 3 … January 2020. The list of 2 January is known on the 3rd and trades at the open of the 4th."""
    path = tmp_path / "holdings.csv"
    path.write_text("date,symbol,weight\n2020-01-02,A,0.5\n")
    run = play(panel({"A": [FLAT] * 5}), strategy(kind="target_weights", holdings_file=str(path), scale=1.0))
    assert fills(run) == [(3, 1, 5000.0, 100.0)]


def test_target_weights_leaves_drift_inside_the_band_alone() -> None:
    world = panel({"A": flat_at(100, 100, 104, 104, 130, 130)})
    run = play(world, strategy(kind="target_weights", weights={"A": 0.5}, scale=1.0, rebalance_bars=1, band=0.05))
    assert [(bar, side) for bar, side, _, _ in fills(run)] == [(1, 1), (5, -1)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("date,symbol,weight\n2020-01-02,A,much\n", r"line 2: expected date"),
        ("date,symbol,weight\n02/01/2020,A,0.1\n", r"line 2: expected date"),
        ("date,symbol,weight\n2020-01-02,A,inf\n", r"line 2: weight of A is inf"),
        ("date,ticker,weight\n2020-01-02,A,0.1\n", r"line 2: expected date"),
        ("date,symbol,weight\n", r"holds no rows"),
    ],
)
def test_faulty_holdings_files_are_refused_with_their_row(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "h.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=sentence):
        read_holdings(path)


def test_own_strategy_is_found_by_module_and_class_and_its_file_counts_as_code() -> None:
    run = spec(strategy={"kind": "marketsim.agents.strategies.buy_and_hold:BuyAndHold", "params": {"weight": 0.5}})
    assert fills(play(panel({"A": [FLAT] * 2}), build(run.strategy))) == [(1, 1, 5000.0, 100.0)]
    found = source_file(run.strategy)
    assert found is not None
    assert found.name == "buy_and_hold.py"


@pytest.mark.parametrize(
    ("kind", "params", "sentence"),
    [
        ("no_such_module:X", {}, "No module named"),
        ("marketsim.agents.strategies.buy_and_hold:Nope", {}, "has no class Nope"),
        ("marketsim.records:Order", {}, "is not a subclass"),
        ("marketsim.agents.strategies.buy_and_hold:BuyAndHold", {"weight": -1}, "params were refused"),
    ],
)
def test_own_strategy_that_cannot_be_built_says_why(kind: str, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build(spec(strategy={"kind": kind, "params": params}).strategy)


KINDS = ("buy_and_hold", "sma_crossover", "ema_mean_reversion", "retail_momentum", "inverse_volatility")
SMALL = {
    "sma_crossover": {"fast": 2, "slow": 4},
    "ema_mean_reversion": {"span": 3},
    "inverse_volatility": {"window": 3},
    "retail_momentum": {"lookback": 2},
}


@given(st.sampled_from(KINDS), st.lists(st.integers(50, 150), min_size=12, max_size=12), st.integers(5, 11))
def test_what_a_strategy_does_up_to_a_bar_does_not_depend_on_later_bars(kind: str, prices: list[int], cut: int) -> None:
    """Change the future: every fill before the change stays as it was."""
    other = prices[:cut] + [p + 37 for p in prices[cut:]]
    one = play(panel({"A": flat_at(*prices)}), strategy(kind=kind, **SMALL.get(kind, {})))
    two = play(panel({"A": flat_at(*other)}), strategy(kind=kind, **SMALL.get(kind, {})))
    assert [f for f in fills(one) if f[0] < cut] == [f for f in fills(two) if f[0] < cut]
