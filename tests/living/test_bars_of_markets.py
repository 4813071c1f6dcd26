"""What the bookkeeper adds up, against hand calculation: half a minute of quotes and trades in bars of ten seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest

from marketsim.kernel.simulation.world import ACCOUNT_SAMPLE, DEPTH_SAMPLE, QUOTE
from marketsim.markets.simulated.bar_clock import BarClock
from marketsim.markets.simulated.bookkeeping import Bookkeeper
from marketsim.markets.simulated.population import Roster
from marketsim.markets.simulated.setting import Handed, Member
from marketsim.markets.simulated.timetable import Session
from marketsim.records import EVENT, MESSAGE, TRADE, EventKind, Kind, Phase
from marketsim.tape import Tape

S = 1_000_000_000
T0 = 1_000 * S
DAY = Session(dt.date(2021, 2, 5), T0, T0, T0 + 30 * S, T0 + 30 * S)


def keeper(sessions: tuple[Session, ...] = (DAY,)) -> Bookkeeper:
    members = (Member("a.0", None, None), Member("a.1", None, None), Member("b.0", None, None))
    roster = Roster(("outside", "a", "b"), members, (0, 1, 1, 2))
    return Bookkeeper(BarClock.of(sessions, 10 * S), roster, 1, 1, sessions)


def handed(
    quotes: Sequence[tuple[float, int, int, int, int]] = (),
    trades: Sequence[tuple[float, int, int, int, int, int]] = (),
    phases: Sequence[tuple[float, Phase]] = (),
    orders: Sequence[tuple[float, Kind, int]] = (),
) -> Handed:
    """Quotes are (s, bid, bid lots, ask, ask lots); trades (s, price, lots, maker, taker, aggressor); orders (s, kind, owner)."""
    q, t, e, m = np.zeros(len(quotes), QUOTE), np.zeros(len(trades), TRADE), np.zeros(len(phases), EVENT), np.zeros(len(orders), MESSAGE)
    for row, (at, bid, bid_lot, ask, ask_lot) in zip(q, quotes, strict=True):
        row["time_ns"], row["bid_tick"], row["bid_lot"], row["ask_tick"], row["ask_lot"] = T0 + int(at * S), bid, bid_lot, ask, ask_lot
    for row, (at, price, lot, maker, taker, aggressor) in zip(t, trades, strict=True):
        row["time_ns"], row["price_tick"], row["qty_lot"] = T0 + int(at * S), price, lot
        row["maker_owner"], row["taker_owner"], row["aggressor"] = maker, taker, aggressor
        row["maker_fee"], row["taker_fee"] = -0.25, 0.5
    for row, (at, phase) in zip(e, phases, strict=True):
        row["time_ns"], row["kind"], row["qty_lot"] = T0 + int(at * S), EventKind.PHASE, phase
    for row, (at, kind, owner) in zip(m, orders, strict=True):
        row["time_ns"], row["kind"], row["owner_id"] = T0 + int(at * S), kind, owner
    return Handed(Tape(t, e, None, None, None, ""), m, q, np.zeros(0, DEPTH_SAMPLE), np.zeros(0, ACCOUNT_SAMPLE))


QUOTES = [(2.0, 98, 4, 102, 6), (6.0, 99, 10, 101, 10), (14.0, 0, 0, 101, 10), (16.0, 100, 2, 101, 4)]


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4])
def test_spread_and_touch_are_weighted_by_time_however_quotes_arrive(cut: int) -> None:
    book = keeper()
    book(handed(QUOTES[:cut]))
    book(handed(QUOTES[cut:]))
    book.finish(T0 + 30 * S)
    # Bar 0: 4 ticks for 4 s, 2 for 4 s. Bar 1: 2 for 4 s, nothing for 2 s, 1 for 4 s. Bar 2: 1 for 10 s.
    assert book.spread_integral[:, 0].tolist() == [24 * S, 12 * S, 10 * S]
    assert book.quoted_ns[:, 0].tolist() == [8 * S, 8 * S, 10 * S]
    assert book.touch_integral[:, 0].tolist() == [(5 * 4 + 10 * 4) * S, (10 * 4 + 3 * 4) * S, 30 * S]
    assert book.mid_tick[:, 0].tolist() == [100.0, 100.5, 100.5]


def test_trades_make_bars_and_accounts() -> None:
    book = keeper()
    book(handed(trades=[(1, 100, 5, 1, 3, 1), (9, 103, 2, 2, 3, 1), (9.5, 101, 1, 3, 1, -1)]))
    book(handed(trades=[(10, 99, 4, 1, 2, 0)]))
    assert [book.first_tick[0, 0], book.high_tick[0, 0], book.low_tick[0, 0], book.last_tick[0, 0]] == [100, 103, 100, 101]
    assert (book.first_tick[1, 0], book.volume_lot[1, 0], book.n_trades[2, 0]) == (99, 4, 0)
    assert book.volume_lot[:, 0].tolist() == [8, 4, 0]
    # Group a sold 5 at 100, 2 at 103 and 1 at 101; b took the first two and made the third.
    assert book.cash_tick_lot[0].tolist() == [0, 500 + 206 + 101, -807]
    assert book.position_lot[0, :, 0].tolist() == [0, -8, 8]
    assert (book.maker_lot[0].tolist(), book.taker_lot[0].tolist()) == ([0, 7, 1], [0, 1, 7])
    # In the auction nobody takes, and agent 2 of group a bought from agent 1 of the same.
    assert (book.maker_lot[1].tolist(), book.taker_lot[1].tolist()) == ([0, 8, 0], [0, 0, 0])
    assert book.agent_position_lot[:, 0].tolist() == [0, -5 - 1 - 4, -2 + 4, 7 - 1 + 2 - 0 - 0]
    assert book.agent_cash_tick_lot.tolist() == [0, 500 + 101 + 396, 206 - 396, -500 - 206 - 101]
    assert book.fees_cash[0].tolist() == [0.0, -0.25 - 0.25 + 0.5, 0.5 + 0.5 - 0.25]


def test_messages_are_counted_by_group_and_kind() -> None:
    book = keeper()
    book(handed(orders=[(1, Kind.LIMIT, 1), (2, Kind.CANCEL, 1), (12, Kind.MARKET, 3), (13, Kind.CANCEL_OWNER, 2), (14, Kind.PHASE, 0)]))
    assert book.n_new.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert book.n_cancels.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (book.last_order_ns - T0).tolist() == [-T0, S, -T0, 12 * S]


def test_a_crossed_book_counts_when_it_lasts_in_continuous_trading() -> None:
    crossed = (4.0, 101, 1, 101, 1)
    book = keeper()
    book(handed([(1, 98, 1, 102, 1), crossed, (4.0, 98, 1, 102, 1)]))
    book.finish(T0 + 30 * S)
    assert book.n_crossed == 0  # for no time at all, between two events of one message
    book = keeper()
    book(handed([(1, 98, 1, 102, 1), crossed, (5, 98, 1, 102, 1)]))
    assert book.n_crossed == 1


def test_a_book_may_be_crossed_while_orders_are_collected() -> None:
    book = keeper()
    halted = [(2.0, Phase.HALT), (8.0, Phase.CONTINUOUS)]
    book(handed([(1, 98, 1, 102, 1), (4, 103, 1, 101, 1), (8, 100, 1, 102, 1)], phases=halted))
    book.finish(T0 + 30 * S)
    assert book.n_crossed == 0
    # 4 ticks for the second before the halt, 2 for the two after it, in a bar of which 3 s were continuous.
    assert (book.quoted_ns[0, 0], book.spread_integral[0, 0]) == (3 * S, (4 + 2 * 2) * S)


def test_nights_belong_to_no_bar() -> None:
    second = Session(dt.date(2021, 2, 8), T0 + 1000 * S, T0 + 1000 * S, T0 + 1010 * S, T0 + 1010 * S)
    book = keeper((DAY, second))
    book(handed([(29, 98, 1, 102, 1), (1004, 99, 1, 101, 1)]))
    book.finish(T0 + 1010 * S)
    assert book.quoted_ns[:, 0].tolist() == [0, 0, 1 * S, 10 * S]
    assert book.spread_integral[:, 0].tolist() == [0, 0, 4 * S, (4 * 4 + 2 * 6) * S]
