"""Market makers: quotes by hand calculation, survival in every state of the book, no cancel for an order that is gone."""

from __future__ import annotations

from typing import Any

import pytest

from marketsim.agents.compiled import AgentParams, CompiledAgent
from marketsim.agents.market_makers.avellaneda_stoikov import AvellanedaStoikovParams, avellaneda_stoikov
from marketsim.agents.market_makers.dealer import DealerParams, dealer, option_delta
from marketsim.agents.market_makers.gueant_lehalle_tapia import GueantLehalleTapiaParams, gueant_lehalle_tapia
from marketsim.agents.market_makers.ladder import LadderParams, ladder
from marketsim.markets.simulated.setting import Latency, Member, News
from marketsim.records import Kind, NewsCode, Phase, Reason
from marketsim.venue_rules import TickBand, VenueRules
from tests.living.small_worlds import SECOND, T0, enters, message, play, rests

MAKERS: dict[str, tuple[CompiledAgent, type[AgentParams]]] = {
    "ladder": (ladder, LadderParams),
    "avellaneda_stoikov": (avellaneda_stoikov, AvellanedaStoikovParams),
    "gueant_lehalle_tapia": (gueant_lehalle_tapia, GueantLehalleTapiaParams),
    "dealer": (dealer, DealerParams),
}
BOTH_SIDES = [(1, 990, 500), (-1, 1010, 500)]


def maker(kind: str, position: int = 0, latency: Latency = Latency(), **parameters: Any) -> Member:  # noqa: B008
    agent, params = MAKERS[kind]
    return Member(kind, agent, params(**parameters), latency=latency, position_lot=(position,))


def test_a_ladder_stands_around_the_mid_less_the_skew_of_its_inventory() -> None:
    # Mid 1000, 300 lots are 3 clips: centre 1000 - 3 * 2 = 994, best quotes 991 and 997, spaced 4 apart.
    member = maker("ladder", position=300, n_levels=3, level_spacing_tick=4, half_spread_tick=3.0, skew_tick=2.0)
    done = play([member], rests(BOTH_SIDES), seconds=3, fundamental=500)
    assert done.quotes(1, 1) == [(-1, 997, 100), (-1, 1001, 100), (-1, 1005, 100), (1, 983, 100), (1, 987, 100), (1, 991, 100)]


def test_an_order_in_the_right_place_keeps_its_place_in_the_queue() -> None:
    done = play([maker("ladder")], rests(BOTH_SIDES), seconds=30)
    assert len(done.sent(1, Kind.LIMIT)) == 10
    assert len(done.sent(1, Kind.CANCEL)) == 0


def test_quotes_never_cross_other_peoples_orders() -> None:
    # Short 20 clips, the centre is at 1000 + 20 * 2 = 1040, beyond the ask of 1010: the bid stops one tick below it.
    done = play([maker("ladder", position=-2000, n_levels=1, skew_tick=2.0)], rests(BOTH_SIDES), seconds=3, fundamental=500)
    assert done.quotes(1, 1) == [(-1, 1042, 100), (1, 1009, 100)]
    assert len(done.trades) == 0


def test_the_inventory_limit_leaves_room_for_what_is_quoted() -> None:
    # 350 of at most 500 lots: one whole clip fits on the bid, and 8 on the ask.
    member = maker("ladder", position=350, inventory_limit_lot=500, skew_tick=0.0, n_levels=4)
    bids = [quote for quote in play([member], rests(BOTH_SIDES), seconds=3, fundamental=500).quotes(1, 1) if quote[0] == 1]
    assert bids == [(1, 998, 100)]
    # 450: less than a clip fits.
    member = maker("ladder", position=450, inventory_limit_lot=500, skew_tick=0.0, n_levels=4)
    bids = [quote for quote in play([member], rests(BOTH_SIDES), seconds=3, fundamental=500).quotes(1, 1) if quote[0] == 1]
    assert bids == [(1, 998, 50)]


def test_avellaneda_stoikov_quotes_by_hand() -> None:
    # gamma 0.02, sigma 0.5, T - t = 100 s - 20 s: gamma sigma^2 (T - t) = 0.4; (2 / gamma) ln(1 + gamma / k) = 100 ln 1.2 = 18.2322.
    # q = 5 clips: r = 1000 - 5 * 0.4 = 998; half the spread 9.3161: bid 988.68, ask 1007.32.
    member = maker(
        "avellaneda_stoikov", position=50, qty_lot=10, requote_s=20.0, risk_aversion_per_tick=0.02, volatility_tick=0.5,
        decay_per_tick=0.1, horizon_s=100.0, reference="fundamental",
    )  # fmt: skip
    done = play([member], seconds=30)
    assert done.quotes(1, 0) == [(-1, 1007, 10), (1, 988, 10)]  # r = 997.5, half 9.3661: 988.13 and 1006.87
    assert done.quotes(1, 20) == [(1, 989, 10)]  # the ask has stayed where it was


def test_option_delta_agrees_with_the_textbook() -> None:
    # Hull, Options, Futures and Other Derivatives: S = 49, K = 50, r = 0.05, sigma = 0.2, T = 0.3846 has delta 0.522; the forward stands
    # in for the interest: 49 e^(r T) = 49.9515 against 50.
    assert option_delta(49.9515, 50.0, 0.2 * 0.3846**0.5, 0) == pytest.approx(0.522, abs=5e-4)
    assert option_delta(49.9515, 50.0, 0.2 * 0.3846**0.5, 1) == pytest.approx(0.522 - 1.0, abs=5e-4)
    assert [option_delta(price, 50.0, 0.0, 0) for price in (49.0, 50.0, 51.0)] == [0.0, 0.0, 1.0]
    assert [option_delta(price, 50.0, 0.0, 1) for price in (49.0, 50.0, 51.0)] == [-1.0, 0.0, 0.0]


@pytest.mark.parametrize(("option_lot", "side"), [(-1000, 1), (1000, -1)])
def test_a_dealer_short_gamma_buys_the_rally_and_long_gamma_sells_it(option_lot: int, side: int) -> None:
    # The calls expire at once, so their delta is 0 below the strike and 1 above it. The mid goes from 1000 to 1020.
    rally = [
        *rests([(1, 990, 500), (-1, 1010, 500)]),
        message(10, Kind.CANCEL, number=0), message(10, Kind.CANCEL, number=1),
        *rests([(1, 1019, 3000), (-1, 1021, 3000)], at_s=10, first=2),
    ]  # fmt: skip
    member = maker("dealer", option_lot=option_lot, strike_tick=1005, hedge_band_lot=100, inventory_limit_lot=1)
    done = play([member], rally, seconds=20)
    # Net of the options it is 1000 lots off; the hedge, at once, stops at the edge of the band. The rally took the one lot it offered.
    [hedge] = done.fills(1)
    assert (int(hedge["aggressor"]), int(hedge["time_ns"]), int(hedge["qty_lot"])) == (side, T0 + 10 * SECOND, 900 + side)
    assert done.position(1) == side * 900


def test_a_side_fades_when_its_fills_have_lost_money() -> None:
    # The bid of 998 is hit at 10 s; the mid then falls from 1000 to 990. Five seconds after the fill the loss is 8 ticks, and half of that
    # is the fade: without skew the bid moves from 988 to 984, the ask stays at 992.
    moved = [
        *rests(BOTH_SIDES),
        message(10, Kind.MARKET, -1, 0, 100, number=2),
        message(10.5, Kind.CANCEL, number=0), message(10.5, Kind.CANCEL, number=1),
        *rests([(1, 980, 500), (-1, 1000, 500)], at_s=10.6, first=3),
    ]  # fmt: skip
    done = play([maker("dealer", n_levels=1, skew_tick=0.0, fade_memory_s=1e9)], moved, seconds=20)
    assert done.position(1) == 100
    assert done.quotes(1, 11) == [(-1, 992, 100), (1, 988, 100)]
    assert done.quotes(1, 15) == [(1, 984, 100)]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_liquidity_shock_withdraws_quantity_and_widens_the_spread_for_a_while(kind: str) -> None:
    shock = News(T0 + 5 * SECOND, NewsCode.LIQUIDITY, 0.5)
    member = maker(kind, shock_s=10.0, shock_spread=3.0, reference="fundamental", n_levels=1)
    done = play([member], seconds=30, news=(shock,))
    before, during, after = done.quotes(1, 0), done.quotes(1, 5), done.quotes(1, 15)
    assert [quote[2] for quote in before + during + after] == [100, 100, 50, 50, 100, 100]
    assert before == after
    # Half of a shock that triples the spread doubles it.
    spreads = [asks[1] - bids[1] for asks, bids in (before, during)]
    assert spreads[1] == pytest.approx(2 * spreads[0], abs=2)


@pytest.mark.parametrize("kind", MAKERS)
def test_news_about_another_symbol_or_of_another_kind_change_nothing(kind: str) -> None:
    member = maker(kind)
    news = (News(T0 + 5 * SECOND, NewsCode.LIQUIDITY, 1.0, symbol=3), News(T0 + 6 * SECOND, NewsCode.NEWS, 1.0))
    with_news = play([member], rests(BOTH_SIDES), seconds=20, news=news)
    without = play([member], rests(BOTH_SIDES), seconds=20)
    assert with_news.sent(1).tolist() == without.sent(1).tolist()


BOOKS = {
    "empty": [],
    "no asks": rests([(1, 990, 500)]),
    "no bids": rests([(-1, 1010, 500)]),
    "halted": [*rests(BOTH_SIDES), enters(0, Phase.HALT)],
    "closed": [*rests(BOTH_SIDES), enters(0, Phase.CLOSED)],
    "emptied": [*rests(BOTH_SIDES), message(20, Kind.MARKET, 1, 0, 10_000, number=9), message(20, Kind.MARKET, -1, 0, 10_000, number=10)],
    "halted for a while": [*rests(BOTH_SIDES), enters(20, Phase.HALT), enters(40, Phase.CONTINUOUS)],
}  # fmt: skip


@pytest.mark.parametrize("book", BOOKS)
@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("reference", ["mid", "fundamental"])
def test_a_maker_survives_any_book_and_keeps_waking(kind: str, book: str, reference: str) -> None:
    done = play([maker(kind, reference=reference)], BOOKS[book], seconds=60)
    assert done.world.agents["last_turn_ns"][1] == T0 + 59 * SECOND
    assert bool(done.live(1)) == (book not in ("halted", "closed"))
    if book == "halted for a while":
        times = (done.sent(1, Kind.CANCEL)["time_ns"] - T0) / SECOND
        assert len(times) >= 2
        assert set(times) == {20.0} or set(times) == {21.0}
        quoted_s = (done.sent(1, Kind.LIMIT)["time_ns"] - T0) / SECOND
        assert not ((quoted_s > 20) & (quoted_s < 40)).any()


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("jitter", "processing_ns"), [(None, 0), (("log_normal", 18.0, 1.5), 0), (None, 10_000_000)])
def test_no_maker_cancels_an_order_that_is_gone(kind: str, jitter: Any, processing_ns: int) -> None:
    # It looks far more often than a message takes to arrive, and the market moves and trades all the time.
    latency = Latency(data_ns=50_000_000, order_ns=50_000_000, jitter=jitter)
    member = maker(kind, latency=latency, requote_s=0.02, qty_lot=10)
    steps = []
    for k in range(300):
        mid = 1000 + (k * 7) % 23
        steps += rests([(1, mid - 15, 50), (-1, mid + 15, 50)], at_s=0.2 * k, first=10 * k)
        steps += [message(0.2 * k + 0.1, Kind.MARKET, 1 if k % 3 else -1, 0, 15, number=10 * k + 2)]
        steps += [message(0.2 * k + 0.15, Kind.CANCEL_OWNER)] if k % 50 == 0 else []
        steps += [message(0.2 * k + 0.19, Kind.CANCEL, number=10 * k + j) for j in (0, 1)]
    done = play([member], steps, seconds=60, processing_ns=processing_ns)
    row = done.world.agents[1]
    assert row["n_fills"] > 20
    assert row["n_orders"] > 100
    cancelled = done.sent(1, Kind.CANCEL)["order_id"]
    assert len(cancelled) == len(set(cancelled.tolist()))  # never twice
    # A cancel can lose the race against a fill, no more.
    rejected = done.events[(done.events["owner_id"] == 1) & (done.events["reason"] == Reason.UNKNOWN_ORDER)]
    assert len(rejected) <= row["n_fills"]
    assert row["n_cancels"] <= row["n_orders"]


@pytest.mark.parametrize("kind", MAKERS)
def test_quotes_lie_on_the_price_grid(kind: str) -> None:
    # A tick is a hundredth of a cent, prices are whole cents; the half spread of a few ticks is rounded away from the market.
    cents = VenueRules(tick_bands=(TickBand(0, 0, 1), TickBand(0, 10_000, 100)))
    done = play([maker(kind, n_levels=3)], rests([(1, 99_700, 500), (-1, 100_300, 500)]), rules=cents, fundamental=100_020, seconds=30)
    assert not (done.events["reason"] == Reason.OFF_TICK).any()
    bids, asks = ([price for side, price, _ in done.quotes(1, 0) if side == wanted] for wanted in (1, -1))
    assert (max(bids), bids) == (100_000, [99_800, 99_900, 100_000])
    assert (min(asks), asks) == (100_100, [100_100, 100_200, 100_300])
