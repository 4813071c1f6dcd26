"""When a simulated market opens and closes, and what reaches it from outside on the way."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from marketsim.config.simulated import SimulatedMarket, Venue, VenueFees
from marketsim.errors import ConfigError
from marketsim.markets.simulated.population import enlist
from marketsim.markets.simulated.run import venue_rules
from marketsim.markets.simulated.scale import Scale
from marketsim.markets.simulated.timetable import local_ns, messages_from_outside, news_items, shocked, timetable
from marketsim.records import Kind, NewsCode, Phase, Side
from tests.living.planted import CROWD, played, run_spec

NOISE = {"kind": "poisson_noise", "count": 30, "parameters": {"rate_per_s": 0.5}}
UTC_10_NEW_YORK_WINTER = int(np.datetime64("2021-02-05T15:00", "ns").astype(np.int64))
S = 10**9


def of(**market: object) -> tuple[object, SimulatedMarket]:
    spec = run_spec({"noise": NOISE}, **market)
    assert isinstance(spec.market, SimulatedMarket)
    return spec, spec.market


# --- sessions and phases --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("date", "hour_utc"), [("2021-03-12", 15), ("2021-03-15", 14)], ids=["winter", "summer"])
def test_hours_are_local_to_the_exchange(date: str, hour_utc: int) -> None:
    spec, market = of()
    times = timetable(spec.model_copy(update={"start": dt.date.fromisoformat(date)}), market)  # type: ignore[attr-defined]
    assert times.sessions[0].open_ns == int(np.datetime64(f"{date}T{hour_utc}:00", "ns").astype(np.int64))


def test_without_hours_the_calendars_hold_and_half_days_are_half() -> None:
    spec, market = of(hours=None, sessions=2)
    # The day after Thanksgiving 2021 closed at 13:00; the Thursday itself was no session.
    times = timetable(spec.model_copy(update={"start": dt.date(2021, 11, 25)}), market)  # type: ignore[attr-defined]
    assert [str(session.date) for session in times.sessions] == ["2021-11-26", "2021-11-29"]
    assert [(s.close_ns - s.open_ns) / 3600 / S for s in times.sessions] == [3.5, 6.5]


def test_a_run_of_dates_has_the_sessions_between_them() -> None:
    spec, market = of()
    times = timetable(spec.model_copy(update={"end": dt.date(2021, 2, 16)}), market)  # type: ignore[attr-defined]
    assert [session.date.day for session in times.sessions] == [5, 8, 9, 10, 11, 12, 16]  # the 15th was Presidents' Day


def test_auctions_take_their_time_before_the_open_and_from_the_close() -> None:
    spec, market = of(phases={"pre_open_s": 60, "opening_auction_s": 30, "closing_auction_s": 120})
    times = timetable(spec, market)  # type: ignore[arg-type]
    rows = messages_from_outside(spec, market, times, enlist(market, ["SIM"], 1))  # type: ignore[arg-type]
    found = [((int(row["time_ns"]) - UTC_10_NEW_YORK_WINTER) // S, Phase(int(row["qty_lot"])).name) for row in rows]
    assert found == [(-90, "PRE_OPEN"), (-30, "OPENING_AUCTION"), (0, "CONTINUOUS"), (1680, "CLOSING_AUCTION"), (1800, "CLOSED")]
    assert times.sessions[0].start_ns == UTC_10_NEW_YORK_WINTER - 90 * S


def test_a_market_without_time_between_its_auctions_is_refused() -> None:
    spec, market = of(phases={"closing_auction_s": 1800})
    with pytest.raises(ConfigError, match="2021-02-05 has no time left between its opening and closing auctions"):
        timetable(spec, market)  # type: ignore[arg-type]


def test_both_auctions_are_held_and_the_market_ends_closed() -> None:
    spec = run_spec({"crowd": CROWD, "noise": NOISE}, phases={"opening_auction_s": 60, "closing_auction_s": 60}, capture={"events": True})
    _, tables = played(spec)
    events, trades = tables["market_events"], tables["market_trades"]
    phases = events.filter(pc.equal(events["kind"], "phase"))["phase"].to_pylist()
    assert phases == ["opening_auction", "continuous", "closing_auction", "closed"]
    assert set(trades["phase"].to_pylist()) >= {"continuous"}


def test_a_fraction_of_a_second_counts_to_the_nanosecond() -> None:
    assert local_ns(dt.date(2021, 2, 5), "10:00:01.000000007", "America/New_York") == UTC_10_NEW_YORK_WINTER + S + 7


# --- shocks and news ------------------------------------------------------------------------------------------------


def within(table: pa.Table, low_s: float, high_s: float) -> pa.Table:
    at = table["time_utc"].cast(pa.int64()).to_numpy() - UTC_10_NEW_YORK_WINTER
    return table.filter(pa.array((at >= low_s * S) & (at < high_s * S)))


def test_an_order_from_outside_reaches_the_exchange_at_its_time() -> None:
    shock = {"kind": "order", "time": "10:10", "side": "sell", "qty_shares": 40}
    _, tables = played(run_spec({"crowd": CROWD}, shocks=[shock]))
    orders = tables["market_orders"]
    (own,) = orders.filter(pc.and_(pc.equal(orders["kind"], "market"), pc.equal(orders["agent_number"], 0))).to_pylist()
    assert (own["time_utc"].isoformat(), own["side"], own["qty_shares"]) == ("2021-02-05T15:10:00+00:00", "sell", 40.0)
    hit = tables["market_trades"].filter(pc.equal(tables["market_trades"]["taker_number"], 0))
    assert pc.sum(hit["qty_shares"]).as_py() == 40.0


def test_a_withdrawal_cancels_every_order_of_the_group_and_nobody_elses() -> None:
    spec = run_spec(
        {"crowd": CROWD, "noise": NOISE}, shocks=[{"kind": "withdrawal", "time": "10:20", "group": "noise"}], capture={"events": True}
    )
    results, tables = played(spec)
    at_once = within(tables["market_events"], 1200, 1200 + 2e-9).to_pylist()
    gone = {row["agent_number"] for row in at_once if row["kind"] == "cancelled"}
    noise = {k for k, name in enumerate(results.roster.names()) if name.startswith("noise.")}
    assert gone
    assert gone <= noise
    # Whoever of the group had an order alive has none now: what is left of theirs came later.
    asked = [row for row in within(tables["market_orders"], 1200, 1200 + 2e-9).to_pylist() if row["kind"] == "cancel_owner"]
    assert {row["agent_number"] for row in asked} == noise


def test_trading_halts_and_resumes_with_an_auction() -> None:
    waiting = {"kind": "order", "time": "10:06", "side": "buy", "qty_shares": 5, "limit_price": 150}
    halt = {"kind": "halt", "time": "10:05", "duration_s": 120}
    _, tables = played(run_spec({"crowd": CROWD, "noise": NOISE}, shocks=[halt, waiting], capture={"events": True}))
    trades, events = tables["market_trades"], tables["market_events"]
    assert within(trades, 300.001, 419.999).num_rows == 0
    assert within(trades, 180, 300).num_rows > 0
    assert within(trades, 421, 540).num_rows > 0
    # An order that crosses is taken while trading halts, and trades in the auction that ends the halt.
    (accepted,) = within(events, 360, 360.001).to_pylist()
    assert (accepted["kind"], accepted["qty_shares"]) == ("accepted", 5.0)
    resumed = within(trades, 420, 420.001)
    assert resumed.filter(pc.equal(resumed["taker_number"], 0))["phase"].to_pylist()[0] == "halt"
    assert events.filter(pc.equal(events["kind"], "phase"))["phase"].to_pylist() == ["halt", "continuous", "closed"]


def test_a_shock_to_the_fundamental_stays_for_good() -> None:
    spec, market = of(sessions=2, shocks=[{"kind": "fundamental", "time": "10:00:30", "size_frac": -0.1}])
    times = timetable(spec, market)  # type: ignore[arg-type]
    paths = shocked(np.full((1, 2, 1801), 200.0), spec, market, times, S)  # type: ignore[arg-type]
    assert paths[0, 0, [0, 29, 30, 1800]].tolist() == [200.0, 200.0, 180.0, 180.0]
    assert set(paths[0, 1]) == {180.0}


def test_news_keep_their_time_size_and_meaning() -> None:
    news = [{"time": "10:01", "what": "liquidity", "size": 0.5}, {"time": "10:02", "what": "own", "code": 123}, {"time": "10:03"}]
    spec, market = of(news=news)
    items = news_items(spec, market, timetable(spec, market))  # type: ignore[arg-type]
    assert [(item.time_ns - UTC_10_NEW_YORK_WINTER) // S for item in items] == [60, 120, 180]
    assert [(item.code, item.size) for item in items] == [(NewsCode.LIQUIDITY, 0.5), (123, 0.0), (NewsCode.NEWS, 0.0)]


def test_an_event_after_the_last_session_is_refused() -> None:
    spec, market = of(sessions=2, shocks=[{"kind": "order", "time": "10:10", "session": 1, "side": "buy", "qty_shares": 1}])
    rows = messages_from_outside(spec, market, timetable(spec, market), enlist(market, ["SIM"], 1))  # type: ignore[arg-type]
    order = rows[rows["kind"] == Kind.MARKET][0]
    assert (order["side"], order["qty_lot"]) == (Side.BUY, 1)
    late = spec.model_copy(update={"end": dt.date(2021, 2, 5)})  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="session 1 of the event at 10:10 is not simulated; there are 1 sessions"):
        messages_from_outside(late, market, timetable(late, market), enlist(market, ["SIM"], 1))


# --- venues ---------------------------------------------------------------------------------------------------------


def test_a_venues_grid_and_fees_are_turned_into_the_markets_ticks_and_lots() -> None:
    in_cents = venue_rules(Venue(rules="nasdaq"), Scale(0.01, 100.0))
    assert [(band.from_tick, band.increment_tick) for band in in_cents.tick_bands] == [(0, 1), (100, 1)]
    in_hundredths = venue_rules(Venue(rules="nasdaq"), Scale(0.0001, 1.0))
    assert [(band.from_tick, band.increment_tick) for band in in_hundredths.tick_bands] == [(0, 1), (10_000, 100)]
    own = venue_rules(Venue(fees=VenueFees(maker_per_share=-0.002, taker_per_share=0.003), self_trade="cancel_oldest"), Scale(0.01, 100.0))
    assert (own.fees.maker_per_lot, own.fees.taker_per_lot, own.self_trade) == (-0.2, 0.3, "cancel_oldest")


def test_fees_are_paid_by_takers_rebated_to_makers_and_conserved() -> None:
    fees = {"maker_per_share": -0.002, "taker_per_share": 0.003}
    results, tables = played(run_spec({"crowd": CROWD, "noise": NOISE}, venues=[{"name": "XF", "fees": fees}]))
    traded = pc.sum(tables["market_trades"]["qty_shares"]).as_py()
    agents = results.market_agents()
    assert pc.sum(agents["fees_cash"]).as_py() == pytest.approx(traded * 0.001)
    assert results.world.desks["fees_nano"].sum() == round(traded * 0.001 * 1e9)


def test_nasdaqs_fees_are_those_a_share_whatever_the_lot() -> None:
    # Its preset is a fee a share of one: a lot of 100 shares pays a hundred times as much.
    rules = venue_rules(Venue(rules="nasdaq"), Scale(0.01, 100.0))
    assert (rules.fees.maker_per_lot, rules.fees.taker_per_lot) == pytest.approx((-0.20, 0.30))


def test_price_bands_stand_at_the_same_prices_in_any_tick() -> None:
    # The US plan: other widths from $0.75 and from $3 on; in ticks of a cent that is 75 and 300.
    bands = venue_rules(Venue(rules="nasdaq"), Scale(0.01, 1.0)).price_bands
    assert bands is not None
    assert [width.from_tick for width in bands.first_tier] == [0, 75, 300]
    assert bands.first_tier[0].most_tick == 15
