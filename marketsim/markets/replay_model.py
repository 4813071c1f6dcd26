"""The replay market as a model of a run: every trader alone in the same recorded flow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import pyarrow as pa

from marketsim.agents.strategy import Strategy
from marketsim.config.markets import ReplayMarket
from marketsim.config.run import Agent, RunSpec
from marketsim.markets.account_run import AccountRun
from marketsim.markets.model import Gate, told_of
from marketsim.markets.panel import panel
from marketsim.markets.replay import RecordedMarket, ReplayAccount, ReplayRules, run_replay
from marketsim.markets.replay_gates import ReplayGates
from marketsim.replay.stream import Stream


class ReplayModel:
    """A recording and the bars cut from it.

    The recorded flow does not react, so agents neither see nor disturb each other: two may take the same recorded order.
    """

    def __init__(self, spec: RunSpec, rules: ReplayMarket, bars: pa.Table, stream: Stream) -> None:
        self.panel = panel(bars, spec.symbols, with_actions=False, max_bars=spec.max_ticks)
        self._spec, self._stream = spec, stream
        self._rules = ReplayRules(rules.data_latency_ns, rules.order_latency_ns, rules.queue)

    def play(self, traders: Sequence[tuple[Agent, Strategy]], on_bar: Callable[[str, int], None]) -> list[AccountRun]:
        """Play the recording once for every trader."""
        market = RecordedMarket(self._stream, self.panel)
        return [
            run_replay(trader.name, strategy, market, self._rules, _account(trader, self._spec), told_of(on_bar, trader.name))
            for trader, strategy in traders
        ]

    def gates(self, run: AccountRun) -> list[Gate]:
        """Check that the recording can have given every fill."""
        return self._of_recording(run)

    @functools.cached_property
    def _of_recording(self) -> ReplayGates:
        return ReplayGates(self._stream)


def _account(trader: Agent, spec: RunSpec) -> ReplayAccount:
    account, fees = trader.account or spec.account, spec.fees
    return ReplayAccount(
        cash=account.cash,
        max_leverage=account.max_leverage,
        lot_size=account.lot_size,
        allow_short=account.allow_short,
        fee_per_share=fees.per_share,
        fee_notional_frac=fees.per_notional_bps / 1e4,
        fee_minimum=fees.minimum,
    )
