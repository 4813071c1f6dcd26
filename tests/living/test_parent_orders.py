"""Parent orders: schedules by hand calculation, participation, completion, and never a lot too many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.institutions.almgren_chriss import AlmgrenChrissParams, almgren_chriss
from marketsim.agents.institutions.pov import PovParams, pov
from marketsim.agents.institutions.twap import TwapParams, twap
from marketsim.agents.institutions.vwap import VwapParams, vwap
from marketsim.markets.simulated.setting import Latency, Member
from marketsim.records import Kind, Phase, Reason, Tif
from marketsim.venue_rules import TickBand, VenueRules
from tests.living.small_worlds import SECOND, T0, Played, enters, message, play, rests

PARENTS: dict[str, tuple[CompiledAgent, type[AgentParams]]] = {
    "twap": (twap, TwapParams),
    "vwap": (vwap, VwapParams),
    "pov": (pov, PovParams),
    "almgren_chriss": (almgren_chriss, AlmgrenChrissParams),
}
DEEP = [(1, 990, 100_000), (-1, 1010, 100_000)]


def parent(kind: str, latency: Latency = Latency(), position: int = 0, **parameters: Any) -> Member:  # noqa: B008
    agent, params = PARENTS[kind]
    return Member(kind, agent, params(**parameters), latency=latency, position_lot=(position,))


def children(done: Played) -> list[tuple[float, int]]:
    """(seconds, lots) of the agent's orders."""
    return [((int(m["time_ns"]) - T0) / SECOND, int(m["qty_lot"])) for m in done.sent(1, Kind.LIMIT)]


def test_twap_trades_equal_parts_at_equal_times() -> None:
    member = parent("twap", qty_lot=10, start_s=5.0, horizon_s=40.0, n_slices=4, style="aggressive")
    done = play([member], rests(DEEP))
    # 10 * (k + 1) / 4, rounded down: 2, 5, 7, 10.
    assert children(done) == [(5.0, 2), (15.0, 3), (25.0, 2), (35.0, 3)]
    assert done.position(1) == 10
    assert done.live(1) == {}
    assert done.world.agents["last_turn_ns"][1] < T0 + 37 * SECOND  # it does not wake when all is done


def test_vwap_trades_the_expected_volume() -> None:
    member = parent(
        "vwap", side="sell", qty_lot=100, start_s=5.0, horizon_s=40.0, n_slices=4, style="aggressive", volume_profile=(1.0, 3.0)
    )
    done = play([member], rests(DEEP))
    # Shares of the volume by the end of each quarter: 1/8, 1/4, 5/8, 1.
    assert children(done) == [(5.0, 13), (15.0, 12), (25.0, 38), (35.0, 37)]
    assert done.position(1) == -100


def test_almgren_chriss_trades_the_optimal_schedule() -> None:
    # kappa~^2 = lambda sigma^2 / eta = 0.01, tau = 10: kappa = arccosh(1.5) / 10; sinh(3 kappa tau), sinh(2 ...) and sinh(...) are to each
    # other as 8 to 3 to 1, the even Fibonacci numbers: of 800 lots 300 and 100 are left.
    member = parent("almgren_chriss", qty_lot=800, start_s=5.0, horizon_s=30.0, n_slices=3, style="aggressive",
                    risk_aversion_per_tick_lot=0.01, volatility_tick=1.0, temporary_impact_tick_s=1.0)  # fmt: skip
    assert children(play([member], rests(DEEP))) == [(5.0, 500), (15.0, 200), (25.0, 100)]


def test_pov_keeps_its_share_of_all_volume() -> None:
    # Others trade 90 lots every 10 s from 12 s on; what traded before the parent began does not count.
    trades = [message(2 + 10 * k, Kind.MARKET, 1 if k % 2 else -1, 0, 90, number=10 + k) for k in range(6)]
    member = parent("pov", qty_lot=1000, start_s=5.0, horizon_s=100.0, participation=0.1, style="aggressive")
    done = play([member], [*rests(DEEP), *trades])
    assert children(done) == [(12.0, 10), (22.0, 10), (32.0, 10), (42.0, 10), (52.0, 10)]
    volume = int(done.trades["qty_lot"].sum()) - 90
    assert done.position(1) == 0.1 * volume
    # Less than the parent, and no more orders after the end; unless it is to be completed.
    member = parent("pov", qty_lot=1000, start_s=5.0, horizon_s=40.0, finish_s=3.0, participation=0.1, style="aggressive", complete=True)
    done = play([member], [*rests(DEEP), *trades])
    assert children(done) == [(12.0, 10), (22.0, 10), (32.0, 10), (42.0, 970)]


def test_a_patient_child_waits_at_the_touch_and_is_taken_when_overdue() -> None:
    member = parent("twap", qty_lot=100, start_s=5.0, horizon_s=40.0, n_slices=1, patience_s=20.0, finish_s=1.0, reach_tick=3)
    done = play([member], [*rests([(1, 990, 50), (-1, 1010, 500)]), message(10, Kind.MARKET, -1, 0, 80, number=5)])
    first, second = done.sent(1, Kind.LIMIT)
    assert (first["price_tick"], first["qty_lot"], first["time_ns"]) == (990, 100, T0 + 5 * SECOND)
    # 50 lots stood before it, so 30 of the 80 are its own. At 25 s the rest is overdue: cancelled, and taken one look later.
    assert [int(m["time_ns"] - T0) // SECOND for m in done.sent(1, Kind.CANCEL)] == [25]
    assert (second["price_tick"], second["qty_lot"], second["time_ns"], second["tif"]) == (1013, 70, T0 + 26 * SECOND, Tif.IOC)
    assert done.position(1) == 100


def test_a_child_follows_the_touch_when_that_leaves_it_behind() -> None:
    steps = [*rests([(1, 990, 50), (-1, 1010, 500)]), *rests([(1, 995, 50)], at_s=7.5, first=3)]
    done = play([parent("twap", qty_lot=100, start_s=5.0, horizon_s=40.0, n_slices=1, patience_s=30.0, finish_s=1.0)], steps, seconds=20)
    assert [int(m["price_tick"]) for m in done.sent(1, Kind.LIMIT)] == [990, 995]
    assert len(done.sent(1, Kind.CANCEL)) == 1


@pytest.mark.parametrize("kind", PARENTS)
def test_without_the_other_side_a_parent_ends_by_its_horizon_with_nothing_left_in_the_market(kind: str) -> None:
    done = play([parent(kind, qty_lot=100, horizon_s=30.0, patience_s=10.0)], rests([(1, 990, 50)]), seconds=100)
    assert done.position(1) == 0
    assert done.live(1) == {}
    assert done.world.agents["last_turn_ns"][1] <= T0 + 35 * SECOND


@pytest.mark.parametrize("kind", ["twap", "vwap", "almgren_chriss"])
def test_a_parent_catches_up_after_a_halt(kind: str) -> None:
    halt = [enters(4, Phase.HALT), enters(25, Phase.CONTINUOUS)]
    done = play([parent(kind, qty_lot=100, start_s=1.0, horizon_s=40.0, n_slices=8, style="aggressive")], [*rests(DEEP), *halt])
    times = [at_s for at_s, _ in children(done)]
    assert not [at_s for at_s in times if 4 < at_s < 25]
    assert done.position(1) == 100
    assert times[-1] <= 41


def test_nights_do_not_count_for_a_parent() -> None:
    day = 86_400 * SECOND
    sessions = ((T0, T0 + 20 * SECOND), (T0 + day, T0 + day + 20 * SECOND))
    done = play([parent("twap", qty_lot=40, start_s=5.0, horizon_s=30.0, n_slices=3, style="aggressive")], rests(DEEP), sessions=sessions)
    # Due at session times 5, 15 and 25 s; the last is 5 s into the second day.
    assert children(done) == [(5.0, 13), (15.0, 13), (86_405.0, 14)]


@pytest.mark.parametrize("kind", PARENTS)
@pytest.mark.parametrize("style", ["passive", "aggressive"])
@pytest.mark.parametrize("seed", range(4))
def test_a_parent_is_never_exceeded_whatever_the_market_and_the_latency(kind: str, style: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    side = 1 if seed % 2 else -1
    steps = rests([(1, 900, 100_000), (-1, 1100, 100_000)], first=10**6)
    for number, at_s in enumerate(np.sort(rng.uniform(0, 100, 600))):
        at = float(at_s)
        what = rng.random()
        mid = 1000 + int(10 * np.sin(at / 7))
        if what < 0.6:
            buys = 1 if rng.random() < 0.5 else -1
            steps += rests([(buys, mid - buys * int(rng.integers(1, 8)), int(rng.integers(1, 60)))], at, number)
        elif what < 0.9:
            steps += [message(at, Kind.MARKET, 1 if rng.random() < 0.5 else -1, 0, int(rng.integers(1, 50)), number=number)]
        else:
            steps += [message(at, Kind.CANCEL, number=int(rng.integers(0, number + 1)))]
    latency = Latency(data_ns=200_000_000, order_ns=300_000_000, jitter=("log_normal", 18.0, 1.5))
    periods = {} if kind == "pov" else {"n_slices": 20}  # of 4 s, longer than messages take here
    member = parent(kind, latency, **periods, qty_lot=300, side="buy" if side > 0 else "sell", horizon_s=80.0, style=style, check_s=0.1,
                    patience_s=3.0, finish_s=5.0, position=50, reach_tick=300)  # fmt: skip
    done = play([member], steps, seconds=100, seed=seed)
    signed = done.trades[done.trades["maker_owner"] == 1]["qty_lot"].sum() + done.fills(1)["qty_lot"].sum()
    assert done.position(1) == 50 + side * signed
    assert signed <= 300
    assert signed == 300 or kind == "pov"
    assert signed > 0
    assert done.live(1) == {}
    cancelled = done.sent(1, Kind.CANCEL)["order_id"].tolist()
    assert len(cancelled) == len(set(cancelled))
    assert set(np.unique(done.sent(1, Kind.LIMIT)["side"])) == {side}


@pytest.mark.parametrize("kind", ["twap", "vwap", "almgren_chriss"])
@pytest.mark.parametrize("style", ["passive", "aggressive"])
def test_children_lie_on_the_price_grid(kind: str, style: str) -> None:
    cents = VenueRules(tick_bands=(TickBand(0, 0, 1), TickBand(0, 10_000, 100)))
    member = parent(kind, qty_lot=100, start_s=1.0, horizon_s=40.0, n_slices=4, style=style, reach_tick=150, patience_s=5.0)
    done = play([member], rests([(-1, 100_300, 500)]), rules=cents)
    assert not (done.events["reason"] == Reason.OFF_TICK).any()
    assert done.position(1) == 100
    assert set(done.sent(1, Kind.LIMIT)["price_tick"]) == ({100_400} if style == "aggressive" else {100_200, 100_400})
