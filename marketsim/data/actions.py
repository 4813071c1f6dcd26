"""Corporate actions: found in an adjusted close, and folded into prices where a run asks for adjusted ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from marketsim.data.bars import PRICES, to_floats
from marketsim.errors import DataError

Floats = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Events = Sequence[tuple[dt.date, float]]
Convention = Literal["ex_close", "previous_close"]

# Providers hold prices as float32, whose relative spacing is 1.2e-7: no adjusted close is known better than that.
FLOAT32_NOISE = 2e-7
# New for old. Forward splits n:1 and the few others that are usual; everything below 1 is a reverse split.
SIMPLE_RATIOS = np.array([*range(2, 101), 3 / 2, 4 / 3, 5 / 2, 5 / 3, 5 / 4, 6 / 5, 7 / 4, *(1 / n for n in range(2, 101))])
# A split that comes with a dividend: the price drops by a little more than the split explains.
LARGEST_YIELD_AT_SPLIT = 0.10


def infer_actions(close: Floats, adj_close: Floats, convention: Convention = "previous_close") -> tuple[Floats, Floats]:
    """Find the splits and dividends that turn a raw close into an adjusted one.

    With f = adj_close / close, an action at bar t makes f jump by g = f[t] / f[t−1]. A g that is a simple ratio n is a split
    of n new shares for one old; what remains is a dividend D a new share:

    - ``previous_close``: g = n / (1 − D n / close[t−1]), as Yahoo adjusts;
    - ``ex_close``: g = n (1 + D / close[t]), the total return (close[t] + D) n / close[t−1] of CRSP (CRSP US Stock Database
      Guide, "Total Returns"), as Quandl WIKI adjusts.

    A factor that is constant to the end belongs to actions after the last bar and is none of ours. Rounding of the adjusted
    close is no action: each bar says only that f lies in an interval, and an action is where no constant f fits any more.

    Parameters
    ----------
    close, adj_close : (n,) currency, in order of time; bars where either is NaN or not positive are passed over.
    convention : how the source of ``adj_close`` turned dividends into factors.

    Returns
    -------
    split_ratio : (n,) new shares for one old, 1 = none.
    dividend_cash : (n,) currency a new share, 0 = none; as round as the precision of ``adj_close`` allows.
    """
    split_ratio, dividend_cash = np.ones(len(close)), np.zeros(len(close))
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((close > 0) & (adj_close > 0) & np.isfinite(close) & np.isfinite(adj_close))
    if len(rows) == 0:
        return split_ratio, dividend_cash
    price, adjusted = close[rows], adj_close[rows]
    factor = adjusted / price
    slack = quantum(adjusted) / 2 / price + factor * FLOAT32_NOISE
    starts, lows, highs = constant_stretches(factor - slack, factor + slack)
    middle, half = (lows + highs) / 2, (highs - lows) / 2
    for k in range(1, len(starts)):
        jump = middle[k] / middle[k - 1]
        doubt = half[k] / middle[k] + half[k - 1] / middle[k - 1]
        ratio = _split_in(jump, doubt)
        row, t = rows[starts[k]], starts[k]
        split_ratio[row] = ratio
        if convention == "ex_close":
            base, cash = price[t], price[t] * (jump / ratio - 1)
        else:
            base, cash = price[t - 1] / ratio, price[t - 1] / ratio * (1 - ratio / jump)
        if abs(cash) > doubt * base:
            dividend_cash[row] = _roundest(cash, doubt * base)
    return split_ratio, dividend_cash


def quantum(values: Floats) -> float:
    """Return the step the values are rounded to, a power of ten between 1e-10 and the cent."""
    for decimals in range(2, 10):
        if np.allclose(values, np.round(values, decimals), rtol=1e-13, atol=1e-11):
            return float(10.0**-decimals)
    return 1e-10


def constant_stretches(low: Floats, high: Floats) -> tuple[list[int], Floats, Floats]:
    """Cut a series of intervals, from left to right, into the longest stretches that have a point in common.

    Returns
    -------
    starts : first index of each stretch.
    lows, highs : ends of the common part of each stretch.
    """
    starts, lows, highs = [0], [low[0]], [high[0]]
    floor, ceiling = low[0], high[0]
    for i, (below, above) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if below > ceiling or above < floor:
            starts.append(i)
            lows.append(below)
            highs.append(above)
            floor, ceiling = below, above
        else:
            lows[-1] = floor = max(floor, below)
            highs[-1] = ceiling = min(ceiling, above)
    return starts, np.array(lows), np.array(highs)


def _split_in(jump: float, doubt: float) -> float:
    nearest = float(SIMPLE_RATIOS[np.argmin(np.abs(np.log(SIMPLE_RATIOS / jump)))])
    if abs(jump / nearest - 1) <= doubt:
        return nearest
    if jump < 1:
        return jump  # nothing but a reverse split raises the prices before it
    whole = float(np.floor(jump))
    return whole if whole >= 2 and jump / whole - 1 <= LARGEST_YIELD_AT_SPLIT else 1.0


def _roundest(value: float, doubt: float) -> float:
    for decimals in range(2, 6):
        if abs(round(value, decimals) - value) <= doubt:
            return round(value, decimals)
    return value


def later_splits(dates: Dates, splits: Events) -> Floats:
    """Return for each date, (n,) datetime64[D], the product of the ratios of all splits after it."""
    factor = np.ones(len(dates))
    for day, ratio in splits:
        factor[dates < np.datetime64(day, "D")] *= ratio
    return factor


def place_actions(dates: Dates, splits: Events, dividends: Events) -> tuple[Floats, Floats]:
    """Put dated actions on the bars at whose open they take effect: the first bar on or after their day.

    Actions before the first bar or after the last one are left out; of several on one bar, ratios multiply and cash adds.

    Returns
    -------
    split_ratio, dividend_cash : (n,) beside ``dates``, 1 and 0 where nothing happens.
    """
    split_ratio, dividend_cash = np.ones(len(dates)), np.zeros(len(dates))
    for events, column, fold in ((splits, split_ratio, np.multiply), (dividends, dividend_cash, np.add)):
        for day, value in events:
            row = int(np.searchsorted(dates, np.datetime64(day, "D")))
            if row < len(dates) and np.datetime64(day, "D") >= dates[0]:
                column[row] = fold(column[row], value)
    return split_ratio, dividend_cash


def adjustment_factors(close: Floats, split_ratio: Floats, dividend_cash: Floats) -> tuple[Floats, Floats]:
    """Return what prices and volumes before later actions are multiplied by to be comparable with the last bar.

    The price factor of a bar is the product over later actions of (1 − D n / C) / n, with C the last close before the action,
    D the cash a new share and n the split ratio; the volume factor is the product of n.

    Parameters
    ----------
    close, split_ratio, dividend_cash : (n,) of one symbol in order of time; NaN closes are passed over.

    Returns
    -------
    price_factor, volume_factor : (n,) float64; both 1 at the last bar.

    Raises
    ------
    DataError
        A dividend is as large as the price, or a split ratio is not positive.
    """
    seen = np.where(np.isfinite(close), np.arange(len(close)), -1)
    before = np.concatenate([[-1], np.maximum.accumulate(seen)[:-1]]) if len(close) else np.zeros(0, np.int64)
    previous = np.where(before >= 0, close[before], np.nan)
    kept = 1.0 - np.where(dividend_cash == 0.0, 0.0, np.nan_to_num(dividend_cash * split_ratio / previous))
    bad = np.flatnonzero(~((kept > 0) & (split_ratio > 0)))
    if len(bad):
        t = int(bad[0])
        raise DataError(
            f"bar {t}: split ratio {split_ratio[t]:g} with a dividend of {dividend_cash[t]:g} on a close of {previous[t]:g} "
            "cannot be; expected a positive ratio and a dividend below the price; correct the action."
        )
    return _product_of_later(kept / split_ratio), _product_of_later(split_ratio)


def _product_of_later(steps: Floats) -> Floats:
    products: Floats = np.append(np.cumprod(steps[::-1])[::-1], 1.0)[1:]
    return products


def back_adjust(bars: pa.Table) -> pa.Table:
    """Return canonical bars with later splits and dividends folded into prices and volumes, and no actions left.

    Parameters
    ----------
    bars : canonical bars of any number of symbols, sorted by symbol and opening time.

    Raises
    ------
    DataError
        As `adjustment_factors`, with the symbol named.
    """
    if bars.num_rows == 0:
        return bars
    columns = {name: to_floats(bars.column(name)) for name in ("close_price", "split_ratio", "dividend_cash")}
    codes = bars.column("symbol").combine_chunks().dictionary_encode()
    cuts = np.flatnonzero(np.diff(codes.indices.to_numpy())) + 1
    price_factor, volume_factor = np.ones(bars.num_rows), np.ones(bars.num_rows)
    for first, last in zip([0, *cuts], [*cuts, bars.num_rows], strict=True):
        part = slice(first, last)
        try:
            price_factor[part], volume_factor[part] = adjustment_factors(*(values[part] for values in columns.values()))
        except DataError as error:
            raise DataError(f"{bars.column('symbol')[first].as_py()}, {error}") from None
    for name in PRICES:
        bars = _replace(bars, f"{name}_price", pc.multiply(bars.column(f"{name}_price"), price_factor))
    bars = _replace(bars, "volume_shares", pc.multiply(bars.column("volume_shares"), volume_factor))
    bars = _replace(bars, "split_ratio", pa.array(np.ones(bars.num_rows)))
    return _replace(bars, "dividend_cash", pa.array(np.zeros(bars.num_rows)))


def _replace(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), values)
