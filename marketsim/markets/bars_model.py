"""The bars market as a model of a run: every trader alone against the bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from marketsim.agents.strategy import Strategy
from marketsim.config.run import Agent, RunSpec
from marketsim.markets.account_run import AccountRun
from marketsim.markets.bars import AccountRunner, Liquidity, bars_rules, liquidity
from marketsim.markets.model import Gate, told_of
from marketsim.markets.panel import panel


class BarsModel:
    """Bars as they were, and what impact needs to know of them."""

    def __init__(self, spec: RunSpec, bars: pa.Table) -> None:
        self._spec = spec
        self.panel = panel(bars, spec.symbols, with_actions=spec.actions == "apply", max_bars=spec.max_ticks)
        self._estimates = self._estimated()

    def play(self, traders: Sequence[tuple[Agent, Strategy]], on_bar: Callable[[str, int], None]) -> list[AccountRun]:
        """Play the bars once for every trader."""
        return [
            AccountRunner(trader, strategy, self._spec, self.panel, self._estimates).run(told_of(on_bar, trader.name))
            for trader, strategy in traders
        ]

    def gates(self, run: AccountRun) -> list[Gate]:
        """Check that every fill lies inside its bar."""
        fills = run.fills
        low, high = self.panel.low[fills["bar"], fills["symbol"]], self.panel.high[fills["bar"], fills["symbol"]]
        outside = (fills["reference_price"] < low - 1e-9) | (fills["reference_price"] > high + 1e-9)
        return [Gate("fills_inside_bar", float(outside.sum()), "fills whose reference price lies outside the bar's range")]

    def _estimated(self) -> Liquidity:
        """Estimate what impact needs, or nothing where impact is off."""
        impact = bars_rules(self._spec).impact
        if impact.coefficient == 0.0:
            unknown = np.full(self.panel.close.shape, np.nan)
            return Liquidity(unknown, unknown)
        return liquidity(self.panel, impact.window_bars, self.panel.n_bars / len(np.unique(self.panel.session)))
