"""What a market was like, from its bars: activity, spread, volatility, and the facts of returns that real markets share.

Every measure is of one symbol at one venue; returns are of the mid at the bars' ends, within sessions only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from marketsim.risk.columns import days, numbers
from marketsim.risk.measure import Unit
from marketsim.risk.observations import NAN, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class MarketHistory:
    """One book, a bar an entry; NaN where the bar has no value."""

    mid: FloatArray  # currency
    spread: FloatArray  # currency
    touch: FloatArray  # shares
    quoted: FloatArray  # fraction of the bar
    volume: FloatArray  # shares
    close: FloatArray  # currency
    n_trades: FloatArray
    session: IntArray  # days since the epoch
    bars_per_year: float

    @property
    def returns(self) -> FloatArray:
        """Logarithmic returns of the mid from bar to bar, fractions; none over night, none where a mid is missing."""
        same = self.session[1:] == self.session[:-1]
        steps = np.diff(np.log(self.mid))
        kept = steps[same]
        return np.asarray(kept[np.isfinite(kept)])


@dataclass(frozen=True, slots=True)
class MarketMeasure:
    """One row of the metrics table about a market; ``formula`` is what the report shows on hover and the reference prints."""

    name: str
    label: str
    unit: Unit
    formula: str
    compute: Callable[[MarketHistory], float]


def market_history(bars: pa.Table, symbol: str, venue: str, sessions_per_year: float) -> MarketHistory:
    """Return one book of table `market_bars`."""
    import pyarrow.compute as pc

    own = bars.filter(pc.and_(pc.equal(bars["symbol"], symbol), pc.equal(bars["venue"], venue)))
    session = days(own, "session_date")
    _, counts = np.unique(session, return_counts=True)
    return MarketHistory(
        mid=numbers(own, "mid_price"),
        spread=numbers(own, "spread"),
        touch=numbers(own, "touch_shares"),
        quoted=numbers(own, "quoted_frac"),
        volume=numbers(own, "volume_shares"),
        close=numbers(own, "close_price"),
        n_trades=numbers(own, "n_trades"),
        session=session,
        bars_per_year=sessions_per_year * float(np.median(counts)),
    )


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else NAN


def _deviation(returns: FloatArray) -> float:
    return float(returns.std(ddof=1)) if returns.size > 1 else NAN


def _kurtosis(returns: FloatArray) -> float:
    centred = returns - returns.mean() if returns.size > 3 else np.zeros(1)
    variance = float((centred**2).mean())
    return float((centred**4).mean()) / variance**2 - 3.0 if variance > 0 else NAN


def _autocorrelation(values: FloatArray) -> float:
    if values.size < 3:
        return NAN
    centred = values - values.mean()
    total = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum()) / total if total > 0 else NAN


def _relative_spread(h: MarketHistory) -> float:
    return _mean(h.spread / h.mid)


def _turnover(h: MarketHistory) -> float:
    return float(np.nansum(h.volume * h.close))


def _change(h: MarketHistory) -> float:
    known = h.mid[np.isfinite(h.mid)]
    return float(known[-1] / known[0] - 1.0) if known.size else NAN


MARKET_MEASURES: tuple[MarketMeasure, ...] = (
    MarketMeasure("market_change", "Change of the price", "fraction", "last mid / first mid − 1", _change),
    MarketMeasure("market_trades", "Trades", "count", "number of trades", lambda h: float(h.n_trades.sum())),
    MarketMeasure("market_volume", "Volume", "count", "shares traded", lambda h: float(h.volume.sum())),
    MarketMeasure("market_turnover", "Turnover", "currency", "sum of volume × close over the bars", _turnover),
    MarketMeasure("market_spread", "Spread", "currency", "mean over bars of the time-weighted spread", lambda h: _mean(h.spread)),
    MarketMeasure("market_relative_spread", "Relative spread", "fraction", "mean over bars of spread / mid", _relative_spread),
    MarketMeasure(
        "market_touch", "Shares at the touch", "count", "mean over bars of the mean best bid and ask size", lambda h: _mean(h.touch)
    ),
    MarketMeasure(
        "market_quoted", "Quoted on both sides", "fraction", "mean over bars of the quoted share of time", lambda h: _mean(h.quoted)
    ),
    MarketMeasure(
        "market_bar_volatility", "Volatility a bar", "fraction", "standard deviation of a bar's log return", lambda h: _deviation(h.returns)
    ),
    MarketMeasure(
        "market_volatility",
        "Volatility a year",
        "fraction",
        "volatility a bar × √(bars a year)",
        lambda h: _deviation(h.returns) * float(np.sqrt(h.bars_per_year)),
    ),
    MarketMeasure("market_kurtosis", "Excess kurtosis", "ratio", "m4 / m2² − 3 of a bar's log returns", lambda h: _kurtosis(h.returns)),
    MarketMeasure(
        "market_autocorrelation",
        "Autocorrelation of returns",
        "ratio",
        "of log returns, one bar apart",
        lambda h: _autocorrelation(h.returns),
    ),
    MarketMeasure(
        "market_clustering",
        "Autocorrelation of absolute returns",
        "ratio",
        "of absolute log returns, one bar apart",
        lambda h: _autocorrelation(np.abs(h.returns)),
    ),
)


def market_metrics_reference() -> str:
    """Return the reference of these measures as Markdown."""
    lines = ["## Of a simulated market", "", "| metric | name | unit | formula |", "|---|---|---|---|"]
    lines += [f"| `{m.name}` | {m.label} | {m.unit} | {m.formula} |" for m in MARKET_MEASURES]
    return "\n".join(lines) + "\n"
