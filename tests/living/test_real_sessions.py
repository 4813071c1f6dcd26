"""Real sessions lived again: they follow their bars, every day on its own, and stand beside the backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from marketsim.config.run import RunSpec
from marketsim.data.ingest import ingest
from marketsim.markets.panel import panel
from marketsim.markets.simulated.side_by_side import side_by_side
from marketsim.simulate import simulate

CROWD: dict[str, Any] = {
    "makers": {
        "kind": "ladder", "count": 2, "health": {"most_cancels_per_order": 3},
        "parameters": {"qty_lot": 300, "n_levels": 8, "half_spread_tick": 2.0, "requote_s": 15.0},
    },
    "informed": {"kind": "chiarella", "count": 30, "parameters": {"kappa_per_s": 0.05, "lot_per_unit": 4e5, "mean_wait_s": 60.0}},
}  # fmt: skip


def market(**fundamental: Any) -> dict[str, Any]:
    return {
        "kind": "simulated", "population": CROWD, "fundamental": {"kind": "history", **fundamental},
        "phases": {"pre_open_s": 30, "opening_auction_s": 30, "closing_auction_s": 30},
    }  # fmt: skip


def spec(**changes: Any) -> RunSpec:
    base = {"name": "real", "symbols": ["IBM"], "start": "2011-11-14", "end": "2011-11-25", "strategy": {"kind": "buy_and_hold"}}
    return RunSpec.model_validate({**base, **changes})


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    return ingest(spec(), base_dir=Path(), cache_dir=tmp_path_factory.mktemp("cache")).bars


@pytest.fixture(scope="module")
def lived(bars: pa.Table) -> Any:
    return simulate(spec(market=market(warm_up_sessions=5)), bars)


def test_each_session_follows_its_real_bar(bars: pa.Table, lived: Any) -> None:
    real = panel(bars, ["IBM"])
    found = lived.market["market_bars"].to_pandas()
    assert found.session_date.astype(str).tolist() == [str(day) for day in real.session[5:]]
    for name in ("open", "high", "low", "close"):
        # The crowd trades around the path; a tenth of a percent is about twenty times its spread.
        assert np.allclose(found[f"{name}_price"], getattr(real, name)[5:, 0], rtol=1.5e-3), name
    # 25 November 2011 was a half day.
    assert (found.close_utc - found.open_utc).dt.total_seconds().tolist() == [6.5 * 3600] * 3 + [3.5 * 3600]


def test_strategies_and_the_market_pass_their_gates(lived: Any) -> None:
    gates = lived.health.to_pandas().set_index("gate")
    assert gates.passed.all(), gates[~gates.passed].message.tolist()
    assert {"strategy.cash_conserved", "strategy.fills_inside_bar", "market.cash_conserved", "makers.agents_alive"} <= set(gates.index)
    assert gates.index.is_unique


def test_a_daily_order_trades_when_the_next_session_opens(lived: Any) -> None:
    fills, equity = lived.fills.to_pandas(), lived.equity.to_pandas()
    assert set(fills.agent) == {"strategy"}
    assert (fills.session_date.astype(str) == "2011-11-22").all()
    close = equity[equity.session_date.astype(str) == "2011-11-22"].close_utc.iloc[0]
    assert 0 <= (fills.fill_utc.min() - close.replace(hour=14, minute=30)).total_seconds() < 1
    assert len(equity) == 4


def test_the_same_run_gives_the_same_tables_and_a_session_does_not_depend_on_those_before(bars: pa.Table, lived: Any) -> None:
    again = simulate(spec(market=market(warm_up_sessions=5)), bars)
    for name in ("orders", "fills", "positions", "equity"):
        assert getattr(again, name).equals(getattr(lived, name)), name
    # Without strategies the crowds are alone; then the last session is the same whether or not others come before it.
    nobody = {"strategy": None, "agents": []}
    alone = [simulate(spec(**nobody, market=market(warm_up_sessions=n)), bars).market["market_bars"].to_pandas().iloc[-1] for n in (7, 8)]
    assert alone[0].equals(alone[1])


def test_a_busy_day_scales_the_crowd(bars: pa.Table) -> None:
    nobody = {
        "strategy": None,
        "market": market(warm_up_sessions=5, scale_with_volume={"makers": ["qty_lot"], "informed": ["lot_per_unit"]}),
    }
    found = simulate(spec(**nobody), bars).market["market_bars"].to_pandas()
    real = panel(bars, ["IBM"]).volume[:, 0]
    activity = [real[k] / real[max(0, k - 20) : k].mean() for k in range(5, 9)]
    plain = simulate(spec(strategy=None, market=market(warm_up_sessions=5)), bars).market["market_bars"].to_pandas()
    ratio = found.volume_shares / plain.volume_shares
    # The half day was the quietest: its crowd is smaller than usual by about as much as its volume was.
    assert ratio.iloc[-1] == pytest.approx(activity[-1], rel=0.35)
    assert activity[-1] < 0.6


def test_the_newest_sessions_stand_beside_the_backtest(bars: pa.Table) -> None:
    agents = [{"name": "other", "strategy": {"kind": "buy_and_hold", "weight": 0.5}}]
    run = spec(simulated_sessions={"sessions": 3, "market": market()}, agents=agents, fees={"per_share": 0.01}, account={"cash": 100_000})
    assert run.simulated_sessions is not None
    table = side_by_side(run, run.simulated_sessions, bars).to_pandas()
    assert table.agent.tolist() == ["other"] * 3 + ["strategy"] * 3
    own = table[table.agent == "strategy"]
    real = panel(bars, ["IBM"])
    # By hand: 100,000 buys whole shares at the open of the second session, less a cent a share, and is worth this at the closes.
    shares = own.bars_turnover_cash.iloc[1] / real.open[-2, 0]
    assert shares == pytest.approx(round(shares), abs=1e-6)
    left = 1e5 - shares * (real.open[-2, 0] + 0.01)
    assert own.bars_equity_cash.tolist() == pytest.approx([1e5, left + shares * real.close[-2, 0], left + shares * real.close[-1, 0]])
    assert own.bars_cost_cash.tolist() == pytest.approx([0.0, shares * 0.01, 0.0])
    assert own.simulated_turnover_cash.iloc[1] == pytest.approx(own.bars_turnover_cash.iloc[1], rel=0.05)
    assert 0.0 < own.participation_frac.iloc[1] < 0.2
    assert own.own_effect_bps.isna().tolist() == [True, False, True]
    assert table[table.agent == "other"].own_effect_bps.isna().all()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another fundamental": (
        {"market": {**market(), "fundamental": {"kind": "constant"}}},
        "does not follow the run's bars; use kind: history",
    ),
    "a warm-up": ({"market": market(warm_up_sessions=3)}, "which sessions are simulated says simulated_sessions.sessions"),
    "no population": ({"market": {**market(), "population": {}}}, "population: is empty"),
    "hours": ({"market": {**market(), "hours": {"open": "10:00", "close": "11:00"}}}, "real sessions keep the calendar's hours"),
    "an unknown group": ({"market": market(scale_with_volume={"crowds": ["qty_lot"]})}, "crowds is not a group of the population"),
    "an unknown number": ({"market": market(scale_with_volume={"makers": ["clip"]})}, "makers sets no number for clip"),
}


@pytest.mark.parametrize("name", WRONG)
def test_sessions_that_cannot_be_lived_again_are_refused(name: str) -> None:
    changes, says = WRONG[name]
    with pytest.raises(ValueError, match=says):
        spec(simulated_sessions={"sessions": 2, **changes})


def test_a_warm_up_that_leaves_no_session_is_refused(bars: pa.Table) -> None:
    with pytest.raises(Exception, match=r"9 sessions of history leave none of the run's 9 to simulate"):
        simulate(spec(market=market(warm_up_sessions=9)), bars)
