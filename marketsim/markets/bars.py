"""The bars market: one account against bars as they were. Trading never moves them, so every agent trades alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from marketsim.agents.strategy import Strategy
from marketsim.config.markets import BarsMarket
from marketsim.config.run import Account, Agent, RunSpec
from marketsim.errors import ConfigError
from marketsim.kernel.bar_fills import close_bar, fill_at_close, open_bar
from marketsim.markets.account_run import AccountRun, AccountTrace
from marketsim.markets.desk import Desk
from marketsim.markets.panel import FloatArray, Panel
from marketsim.records import COSTS


@dataclass(frozen=True, slots=True)
class Liquidity:
    """What impact needs to know before each bar, (n_bars, n_symbols): daily volatility (fraction) and volume (shares)."""

    sigma: FloatArray
    adv: FloatArray


def liquidity(panel: Panel, window_bars: int, bars_a_day: float) -> Liquidity:
    """Estimate volatility and volume from the ``window_bars`` bars before each bar; NaN until three bars have closed.

    Both are restated to a day: volatility by the square root of ``bars_a_day``, volume by ``bars_a_day`` itself.
    Volumes are in the shares of the bar asked about: earlier ones are restated for the splits up to and including its open.
    """
    shape = panel.close.shape
    sigma, adv = np.full(shape, np.nan), np.full(shape, np.nan)
    later = np.vstack([np.cumprod(panel.split[::-1], axis=0)[::-1][1:], np.ones((1, shape[1]))])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = np.diff(np.log(panel.close / later), axis=0)
        volume = panel.volume * later
    for bar in range(3, shape[0]):
        past = slice(max(0, bar - window_bars), bar)
        moves = returns[max(0, bar - 1 - window_bars) : bar - 1]
        known = np.isfinite(moves).sum(axis=0) >= 2
        sigma[bar, known] = np.nanstd(moves[:, known], axis=0, ddof=1) * np.sqrt(bars_a_day)
        traded = np.isfinite(volume[past]).any(axis=0)
        adv[bar, traded] = np.nanmean(volume[past][:, traded], axis=0) * bars_a_day / later[bar, traded]
    return Liquidity(sigma, adv)


def bars_rules(spec: RunSpec) -> BarsMarket:
    """Return the `market` section of a run that trades against bars; another kind is a `ConfigError`."""
    if not isinstance(spec.market, BarsMarket):
        raise ConfigError(f"market.kind: {spec.market.kind} has no bars to fill against; use kind: bars.")
    return spec.market


def costs(spec: RunSpec, account: Account) -> npt.NDArray[np.void]:
    """Return the (1,) COSTS record of one account: basis points become fractions, "no cap" becomes infinity."""
    row, rules = np.zeros(1, COSTS), bars_rules(spec)
    row["fee_per_share"] = spec.fees.per_share
    row["fee_notional_frac"] = spec.fees.per_notional_bps / 1e4
    row["fee_minimum"] = spec.fees.minimum
    row["half_spread_frac"] = spec.dealer.half_spread_bps / 1e4
    row["slippage_frac"] = spec.slippage_bps / 1e4
    row["impact_coefficient"] = rules.impact.coefficient
    row["participation_cap"] = np.inf if rules.participation_cap is None else rules.participation_cap
    row["max_leverage"] = account.max_leverage
    row["lot_size"] = account.lot_size
    row["borrow_rate_frac"] = account.borrow_rate_bps / 1e4
    row["allow_short"] = account.allow_short
    return row


class AccountRunner(Desk):
    """One agent on the bars market; `run` plays all bars once."""

    def __init__(self, trader: Agent, strategy: Strategy, spec: RunSpec, panel: Panel, estimates: Liquidity) -> None:
        account = trader.account or spec.account
        super().__init__(trader.name, strategy, panel, account.cash, costs(spec, account))
        self._estimates = estimates
        self._same_close = bars_rules(spec).fill == "same_close"

    def run(self, on_bar: Callable[[int], None]) -> AccountRun:
        """Play every bar; ``on_bar`` hears the number of bars played."""
        panel, n_bars = self._panel, self._panel.n_bars
        trace = AccountTrace(n_bars, len(panel.symbols))
        times = np.stack([panel.open_ns, panel.close_ns], axis=1)
        session_end = panel.session_end
        nights = panel.nights
        flattened = False
        for bar in range(n_bars):
            self._reserve()
            book = self._book_of_account()
            buffers = (book, self._orders, self._live, self._fills)
            estimates = (self._estimates.sigma[bar], self._estimates.adv[bar])
            heard = int(self._account["n_fills"][0])
            open_bar(
                bar, times[bar], panel.open, panel.high, panel.low, panel.close, panel.volume, panel.split, panel.dividend,
                nights[bar], *estimates, *buffers,
            )  # fmt: skip
            self._history.append()
            close_bar(bar, times[bar, 1], panel.close, session_end[bar], book, self._orders, self._live)
            if not self._account["closed"][0]:
                self._wake(heard)
            elif not flattened:
                self._liquidate(times[bar, 1])
                flattened = True
            if self._same_close:
                book = self._book_of_account()
                fill_at_close(bar, times[bar], panel.close, panel.volume, *estimates, book, self._orders, self._live, self._fills)
                close_bar(bar, times[bar, 1], panel.close, False, book, self._orders, self._live)
            trace.note(bar, self._position, self._mark, self._account)
            on_bar(bar + 1)
        self._end_run(int(panel.close_ns[-1]))
        return self._run_of(trace)
