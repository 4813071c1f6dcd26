"""Between a strategy and the exchange: orders in shares and currency as messages in lots and ticks, and reports of fills back."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from marketsim.kernel.book_state import NO_PRICE
from marketsim.markets.desk import positive
from marketsim.markets.panel import FloatArray
from marketsim.markets.simulated.scale import Scale
from marketsim.records import MAX_QTY_LOT, MAX_TICK, Kind, Order, Reason

LIMITED = (
    Kind.LIMIT, Kind.STOP_LIMIT, Kind.LIMIT_ON_OPEN, Kind.LIMIT_ON_CLOSE, Kind.IMBALANCE_ON_OPEN, Kind.IMBALANCE_ON_CLOSE
)  # fmt: skip
STOPS = (Kind.STOP, Kind.STOP_LIMIT, Kind.TRAILING_STOP)
PEGS = (Kind.PEG_PRIMARY, Kind.PEG_MARKET, Kind.PEG_MIDPOINT)


def impossible(new: npt.NDArray[np.void], whole_lots: npt.NDArray[np.bool_], scale: Scale) -> list[tuple[npt.NDArray[np.bool_], Reason]]:
    """Return which of new orders, (n,) ORDER, no exchange takes, and why; of several reasons the last one counts.

    ``whole_lots`` says which quantities are positive whole numbers of the account's lots.
    """
    kind, pegs = new["kind"], np.isin(new["kind"], PEGS)
    bad_limit = np.isin(kind, LIMITED) & ~positive(new["limit_price"])
    bad_limit |= pegs & ~(np.isnan(new["limit_price"]) | positive(new["limit_price"]))
    bad_stop = np.isin(kind, STOPS) & ~positive(new["stop_price"]) | pegs & np.isinf(new["stop_price"])
    for name in ("limit_price", "stop_price"):
        bad_limit |= np.nan_to_num(new[name], posinf=0.0, neginf=0.0) / scale.tick_size >= MAX_TICK
    with np.errstate(invalid="ignore"):
        bad_qty = ~(whole_lots & (new["qty"] / scale.lot_size <= MAX_QTY_LOT))
    bad_kind = (kind < Kind.MARKET) | (kind > Kind.PEG_MIDPOINT)
    return [
        (bad_stop, Reason.BAD_STOP), (bad_limit, Reason.BAD_PRICE), (bad_qty, Reason.BAD_QUANTITY),
        (bad_kind, Reason.UNKNOWN_KIND), (~np.isin(new["side"], (1, -1)), Reason.BAD_SIDE),
    ]  # fmt: skip


def write_message(message: np.void, order: np.void, kind: int, open_qty: float, special: Order | None, scale: Scale) -> None:
    """Write an ORDER into a MESSAGE. A price between two ticks goes to the one that is no worse for the account.

    Parameters
    ----------
    message : changed; its venue stays as it is.
    order : what the strategy sent.
    kind : what the exchange is told it is.
    open_qty : what is left of it, shares.
    special : the strategy's own record of it where it asks for more than ORDER has columns for.
    scale : what a tick and a lot are.
    """
    side = int(order["side"])
    message["kind"], message["side"], message["symbol"], message["tif"] = kind, side, order["symbol"], order["tif"]
    message["qty_lot"] = round(open_qty / scale.lot_size)
    if kind in LIMITED or (kind in PEGS and not math.isnan(order["limit_price"])):
        message["price_tick"] = tick_no_worse(float(order["limit_price"]), side, scale.tick_size)
    elif kind in PEGS:
        message["price_tick"] = side * MAX_TICK
    if kind in STOPS or (kind in PEGS and not math.isnan(order["stop_price"])):
        message["stop_tick"] = round(float(order["stop_price"]) / scale.tick_size)
    if special is not None:
        message["flags"], message["expire_ns"] = special.flags, special.expire_ns
        message["display_lot"] = round(special.display_qty / scale.lot_size)
        message["min_qty_lot"] = round(special.min_qty / scale.lot_size)


def tick_no_worse(price: float, side: int, tick_size: float) -> int:
    """Return the tick of a price, of one between two ticks the one that is no worse for ``side``."""
    exact = price / tick_size
    near = round(exact)
    if abs(exact - near) < 1e-6:
        return near
    return math.floor(exact) if side > 0 else math.ceil(exact)


def expected_price(order: np.void, touch: FloatArray, last: float) -> float:
    """Return what an account is checked with: the order's limit, but no worse than the touch; at market the touch, or the last price.

    Parameters
    ----------
    order : ORDER.
    touch : (n_symbols, 2), bid and ask, currency; NaN where there is none.
    last : the symbol's last price, currency; NaN where it has none.
    """
    symbol, side = int(order["symbol"]), int(order["side"])
    ask_or_bid = float(touch[symbol, 1 if side > 0 else 0])
    at_market = ask_or_bid if math.isfinite(ask_or_bid) else last
    limit = float(order["limit_price"])
    if order["kind"] in (Kind.STOP, Kind.STOP_LIMIT) and math.isnan(limit):
        return float(order["stop_price"])
    if math.isnan(limit):
        return at_market
    return limit if math.isnan(at_market) else side * min(side * limit, side * at_market)


def fill_prices(report: np.void, scale: Scale) -> tuple[float, float, float]:
    """Return a fill's price, its reference price and what the spread cost, currency.

    A taker's reference is the mid just before, or the touch where the other side was empty; a maker's is its price, as in an auction.
    """
    qty, side, took = float(report["qty_lot"]) * scale.lot_size, int(report["side"]), int(report["aggressor"])
    price, bid, ask = (float(scale.price(np.array(report[name]))) for name in ("price_tick", "bid_tick", "ask_tick"))
    reference, spread_cost = price, 0.0
    if took > 0:
        touch, shown, other_shown = (ask, report["ask_tick"], report["bid_tick"])
        if side < 0:
            touch, shown, other_shown = (bid, other_shown, shown)
        if shown != NO_PRICE:
            reference = touch if other_shown == NO_PRICE else (bid + ask) / 2
            spread_cost = qty * max(0.0, min(side * (touch - reference), side * (price - reference)))
    return price, reference, spread_cost
