"""What an agent in Python is told: the market in its turn, and everything that happens to its orders, in the order it happened."""

from __future__ import annotations

from marketsim.kernel.book_state import NO_PRICE
from marketsim.kernel.compile import inner
from marketsim.kernel.simulation.sight import best_lot, best_tick, last_tick, phase, position_lot
from marketsim.kernel.simulation.world import REPORT, TRADED, report_at, shown_at
from marketsim.kernel.tables import resized

REPORT_BYTES = REPORT.itemsize


@inner
def show(market, me):
    """Write down what an agent in Python sees in its turn."""
    seen = shown_at(market.shown, 0)
    symbol, venue = me.symbol, me.venue
    seen.number, seen.turn, seen.now_ns = me.number, me.turn, me.now_ns
    seen.bid_tick, seen.bid_lot = best_tick(market, symbol, venue, 1), best_lot(market, symbol, venue, 1)
    seen.ask_tick, seen.ask_lot = best_tick(market, symbol, venue, -1), best_lot(market, symbol, venue, -1)
    seen.last_tick, seen.phase = last_tick(market, symbol, venue), phase(market, symbol, venue)
    seen.position_lot, seen.cash_tick_lot = position_lot(market, me, symbol), me.cash_tick_lot
    seen.bought_lot, seen.sold_lot = me.bought_lot, me.sold_lot
    seen.bought_tick_lot, seen.sold_tick_lot = me.bought_tick_lot, me.sold_tick_lot
    seen.next_order_id = market.next_order_id
    seen.news_symbol, seen.news_code = market.news_symbol, market.news_code


@inner
def remember_touch(market, message):
    """Keep the touch of the book a message is meant for, as it is before the message."""
    market.before_book = -1
    if 0 <= message.symbol < market.n_symbols and 0 <= message.venue < market.n_venues:
        market.before_book = message.venue * market.n_symbols + message.symbol
        market.before_bid_tick = best_tick(market, message.symbol, message.venue, 1)
        market.before_ask_tick = best_tick(market, message.symbol, message.venue, -1)


@inner
def report_trade(market, trade, owner, side):
    """Tell an agent that its order traded."""
    report = _next_report(market)
    report.order_id = trade.taker_id if (trade.taker_owner == owner and side == _taker_side(trade)) else trade.maker_id
    report.aggressor = 0 if trade.aggressor == 0 else (1 if report.order_id == trade.taker_id else -1)
    report.time_ns, report.agent, report.symbol, report.venue = trade.time_ns, owner, trade.symbol, trade.venue
    report.kind, report.side, report.price_tick, report.qty_lot, report.reason = TRADED, side, trade.price_tick, trade.qty_lot, 0
    known = market.before_book == trade.venue * market.n_symbols + trade.symbol
    report.bid_tick = market.before_bid_tick if known else NO_PRICE
    report.ask_tick = market.before_ask_tick if known else NO_PRICE


@inner
def report_event(market, event):
    """Tell an agent what the exchange did with its order."""
    report = _next_report(market)
    report.time_ns, report.order_id, report.agent = event.time_ns, event.order_id, event.owner_id
    report.symbol, report.venue, report.kind, report.side = event.symbol, event.venue, event.kind, event.side
    report.price_tick, report.qty_lot, report.reason = event.price_tick, event.qty_lot, event.reason
    report.aggressor, report.bid_tick, report.ask_tick = 0, NO_PRICE, NO_PRICE


@inner
def _taker_side(trade):
    # In an auction the buyer stands as the taker.
    return trade.aggressor if trade.aggressor != 0 else 1


@inner
def _next_report(market):
    if market.n_reports == market.report_capacity:
        market.report_capacity = max(256, 2 * market.report_capacity)
        market.reports = resized(market.reports, market.report_capacity * REPORT_BYTES)
    row = market.n_reports
    market.n_reports = row + 1
    return report_at(market.reports, row)
