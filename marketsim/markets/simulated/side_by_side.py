"""The same strategies over the same sessions twice: against the bars, and among agents whose prices they move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from marketsim.agents.library import build
from marketsim.agents.strategy import MarketView, Strategy
from marketsim.config.run import Agent, RunSpec, SimulatedSessions
from marketsim.config.simulated import CaptureSpec
from marketsim.errors import ConfigError
from marketsim.markets.account_run import AccountRun
from marketsim.markets.bars_model import BarsModel
from marketsim.markets.desk import Answer
from marketsim.markets.panel import FloatArray, IntArray, Panel, panel
from marketsim.markets.simulated.real_sessions import Played, RealSessions, rows_from
from marketsim.markets.simulated.watchdog import TURN_LIMIT_S, Watchdog
from marketsim.records import Fill

MAIN = "strategy"
NOTHING = CaptureSpec(orders=False, events=False, trades=False, quotes=False)  # of these sessions only the accounts are kept


class LateStarter(Strategy):
    """A strategy that sleeps through the bars before a row, as it does where those are history."""

    def __init__(self, strategy: Strategy, first_bar: int) -> None:
        super().__init__(strategy.params)
        self._strategy, self._first = strategy, first_bar

    def on_wake(self, market: MarketView) -> Answer:
        """Wake the strategy once its time has come."""
        return self._strategy.on_wake(market) if market.n_bars > self._first else None

    def on_fill(self, fill: Fill, market: MarketView) -> None:
        """Pass the fill on."""
        self._strategy.on_fill(fill, market)


def side_by_side(
    spec: RunSpec,
    section: SimulatedSessions,
    bars: pa.Table,
    base_dir: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> pa.Table:
    """Play a run's newest sessions in three ways: against bars, among agents, and among the same agents without the main strategy.

    Parameters
    ----------
    spec, section : the run, and which sessions it simulates in which market.
    bars : the run's clean bars.
    base_dir : where relative files named by strategies are looked up.
    progress : hears a short sentence now and then.

    Returns
    -------
    Table ``simulated_sessions``: one row an agent and session. Every account begins the first session with its cash alone.
    ``own_effect_bps`` is how much higher the symbols closed than without the main strategy, signed by what it traded that session and
    weighted with it: what the strategy's own trading did to the price. Null where it did not trade, and for the other agents.
    """
    real = panel(bars, spec.symbols, with_actions=spec.actions == "apply")
    first = _first_row(real, section.sessions)
    progress(f"simulating {section.sessions} sessions with the strategies among agents")

    def traders() -> list[tuple[Agent, Strategy]]:
        return [(trader, build(trader.strategy, base_dir)) for trader in spec.traders]

    alone = [(trader, LateStarter(strategy, first)) for trader, strategy in traders()]
    against_bars = BarsModel(spec.model_copy(update={"max_ticks": None}), bars).play(alone, lambda *_: None)
    market = section.market.model_copy(update={"capture": NOTHING})
    sessions = RealSessions(spec, market, real, first, progress=progress)
    watchdog = Watchdog(TURN_LIMIT_S)
    among = sessions.play(traders(), watchdog)
    again = RealSessions(spec, market, real, first, progress=lambda sentence: progress(f"without {MAIN}: {sentence}"))
    without = again.play([trader for trader in traders() if trader[0].name != MAIN], watchdog)
    tables = [
        _rows(trader, (_later(run, first), rows_from(real, first)), (lived, among.panel), without if trader.name == MAIN else None)
        for trader, run, lived in zip(spec.traders, against_bars, among.runs, strict=True)
    ]
    return pa.concat_tables(sorted(tables, key=lambda table: str(table["agent"][0])))


def _first_row(real: Panel, n_sessions: int) -> int:
    firsts = real.session_starts
    if n_sessions > len(firsts):
        raise ConfigError(f"simulated_sessions.sessions: {n_sessions} sessions are more than the {len(firsts)} that have bars; lower it.")
    return int(firsts[-n_sessions])


def _later(run: AccountRun, first: int) -> AccountRun:
    """Return an account over the rows from one on; nothing was traded before."""
    fills = run.fills.copy()
    fills["bar"] -= first
    rest = {name: getattr(run, name)[first:] for name in ("position", "mark", "cash", "turnover", "fees", "borrow", "dividends")}
    return AccountRun(run.orders, fills, **rest)


def _rows(trader: Agent, backtest: tuple[AccountRun, Panel], lived: tuple[AccountRun, Panel], without: Played | None) -> pa.Table:
    """Return the rows of one agent; ``backtest`` and ``lived`` are its accounts and the bars of the two markets."""
    run, market = lived
    last = np.flatnonzero(market.session_end)
    session = np.searchsorted(last, np.arange(market.n_bars))
    n = len(last)
    turned = _by_session(run.turnover, session, n)
    whole = _by_session((np.nan_to_num(market.volume * market.close)).sum(axis=1), session, n)
    share = turned / np.where(whole > 0.0, whole, np.inf)
    effect = np.full(n, np.nan) if without is None else _own_effect(run, market, without.panel, session, last)
    return pa.table(
        {
            "agent": pa.repeat(trader.name, n),
            "session_date": pa.array(market.session[last]),
            "bars_equity_cash": pa.array(_equity(backtest[0])[last]),
            "simulated_equity_cash": pa.array(_equity(run)[last]),
            "bars_turnover_cash": pa.array(_by_session(backtest[0].turnover, session, n)),
            "simulated_turnover_cash": pa.array(turned),
            "bars_cost_cash": pa.array(_costs(backtest[0], session, n)),
            "simulated_cost_cash": pa.array(_costs(run, session, n)),
            "participation_frac": pa.array(share),
            "own_effect_bps": pa.array(effect, mask=np.isnan(effect)),
        }
    )


def _own_effect(run: AccountRun, market: Panel, without: Panel, session: IntArray, last: IntArray) -> FloatArray:
    """Return the signed mean change of the closes, bps, (n_sessions,); NaN where nothing was traded."""
    net = np.zeros((len(last), len(market.symbols)))
    np.add.at(net, (session[run.fills["bar"]], run.fills["symbol"]), run.fills["side"] * run.fills["qty"] * run.fills["price"])
    moved = 1e4 * (market.close[last] / without.close[last] - 1.0)
    weight = np.where(np.isfinite(moved), net, 0.0)
    total = np.abs(weight).sum(axis=1)
    return np.where(total > 0.0, (weight * np.nan_to_num(moved)).sum(axis=1) / np.where(total > 0.0, total, 1.0), np.nan)


def _equity(run: AccountRun) -> FloatArray:
    return np.asarray(run.cash + (run.position * np.nan_to_num(run.mark)).sum(axis=1))


def _costs(run: AccountRun, session: IntArray, n: int) -> FloatArray:
    """Return commission, spread, slippage and impact paid in each session, currency."""
    f = run.fills
    total = np.zeros(n)
    np.add.at(total, session[f["bar"]], f["fee"] + f["spread_cost"] + f["slippage_cost"] + f["impact_cost"])
    return total


def _by_session(values: FloatArray, session: IntArray, n: int) -> FloatArray:
    return np.bincount(session, values, n).astype(np.float64)
