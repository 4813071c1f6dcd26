"""What one agent pays another gets; fees go to the venue; the accounts follow from the tape."""

from __future__ import annotations

import numpy as np

from benchmarks.living import CASH_TICK_LOT, rmsc04_world
from marketsim.markets.simulated.setting import Member
from marketsim.records import TRADE
from marketsim.venue_rules import Fees, VenueRules
from tests.living.probes import BlindParams, blind, run, setting, world_of

FEES = Fees(maker_per_lot=-0.0021, taker_per_lot=0.0030, taker_notional_frac=0.00012)


def test_a_day_of_rmsc04_with_fees_adds_up() -> None:
    world = rmsc04_world(4, hours=1.0, rules=VenueRules.plain(fees=FEES))
    trades = np.concatenate([part.tape.trades for part in run(world)])
    assert len(trades) > 1000
    agents = world.agents
    assert agents["cash_tick_lot"].sum() == CASH_TICK_LOT * len(world.members)
    assert world.holdings.sum() == 0
    assert agents["fees_nano"].sum() == world.desks["fees_nano"].sum() != 0
    cash, shares, fees = _accounts_from(trades, len(agents))
    assert agents["cash_tick_lot"][1:].tolist() == (cash[1:] + CASH_TICK_LOT).tolist()
    assert world.holdings[:, 0].tolist() == shares.tolist()
    assert agents["fees_nano"].tolist() == fees.tolist()


def _accounts_from(trades: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cash, shares, fees = (np.zeros(n, np.int64) for _ in range(3))
    for row in trades.astype(TRADE):
        for owner, side, fee in (
            (row["taker_owner"], row["aggressor"], row["taker_fee"]),
            (row["maker_owner"], -row["aggressor"], row["maker_fee"]),
        ):
            cash[owner] -= int(side) * row["price_tick"] * row["qty_lot"]
            shares[owner] += int(side) * row["qty_lot"]
            fees[owner] += round(float(fee) * 1e9)
    return cash, shares, fees


def test_starting_shares_and_trades_with_nobody_in_particular_are_booked() -> None:
    members = [Member(f"blind.{k}", blind, BlindParams(), cash_tick_lot=1000, position_lot=(50,)) for k in range(3)]
    world = world_of(members, setting(messages=[(1.0, 1, 100, 500), (1.0, -1, 101, 500)]))
    run(world)
    assert world.agents["n_fills"][0] > 0  # number 0 is whoever else trades
    assert world.holdings.sum() == 150
    assert world.agents["cash_tick_lot"].sum() == 3000
