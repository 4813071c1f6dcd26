"""A fund that follows a list of target weights: fixed ones, or a dated holdings file as an ARK-like fund publishes it."""

from __future__ import annotations

import csv
import datetime as dt
import math
from bisect import bisect_right
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams
from marketsim.errors import ConfigError


class TargetWeightsParams(StrategyParams):
    """Either `weights` or a `holdings_file` (CSV with the columns date, symbol, weight; weight a fraction)."""

    kind: Literal["target_weights"] = "target_weights"
    weights: dict[str, float] = Field(default_factory=dict, description="Symbol → weight of equity, a fraction; negative = short.")
    holdings_file: str | None = Field(
        None,
        description="CSV: date, symbol, weight; a day's list holds until the next one, and counts only from the day after its date.",
    )
    scale: float = Field(0.95, gt=0, le=100, description="Every weight is multiplied by it; below 1 leaves room for costs.")
    rebalance_bars: int = Field(21, ge=1, le=5000, description="Bars between rebalances when the weights have not changed.")
    band: float = Field(0.0, ge=0, lt=1, description="Drift from the target that is left alone, a fraction of equity.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.weights) == bool(self.holdings_file):
            raise ValueError("weights: give either weights or holdings_file, not both and not neither")
        return self


class TargetWeights(Strategy):
    """Rebalances when its list changes and on a fixed rhythm."""

    Params = TargetWeightsParams
    params: TargetWeightsParams

    def __init__(self, params: StrategyParams) -> None:
        super().__init__(params)
        self._dates, self._lists = read_holdings(Path(self.params.holdings_file)) if self.params.holdings_file else ([], [])
        self._in_force = -1
        self._since = 0

    def on_wake(self, market: MarketView) -> npt.NDArray[np.void] | None:
        """Compare the weights held with the list in force and trade the difference."""
        p = self.params
        if self._dates:
            # A list dated today is published after the close, so it is known from the next session on.
            in_force = (
                bisect_right(
                    self._dates,
                    np.datetime64(market.time_ns, "ns").astype("datetime64[D]").item() - dt.timedelta(days=1),
                )
                - 1
            )
            if in_force < 0:
                return None
            weights = self._lists[in_force]
        else:
            in_force, weights = 0, p.weights
        if in_force == self._in_force and self._since + 1 < p.rebalance_bars:
            self._since += 1
            return None
        self._in_force, self._since = in_force, 0
        target = p.scale * np.array([weights.get(symbol, 0.0) for symbol in market.symbols])
        with np.errstate(invalid="ignore"):
            held = market.position * market.price / market.equity
            target = np.where(np.abs(target - np.nan_to_num(held)) <= p.band, np.nan, target)
        return market.orders_to(market.weights_to_qty(target))


def read_holdings(path: Path) -> tuple[list[dt.date], list[dict[str, float]]]:
    """Read a holdings file.

    Returns
    -------
    The dates in order, and for each the symbol → weight list of that date.

    Raises
    ------
    ConfigError
        The file is missing or a row is not date, symbol, weight.
    """
    lists: dict[dt.date, dict[str, float]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            for number, row in enumerate(csv.DictReader(handle), start=2):
                try:
                    day, symbol, weight = dt.date.fromisoformat(row["date"]), row["symbol"], float(row["weight"])
                except (KeyError, TypeError, ValueError):
                    raise ConfigError(
                        f"{path}, line {number}: expected date (YYYY-MM-DD), symbol, weight (a fraction); correct the row."
                    ) from None
                if not math.isfinite(weight):
                    raise ConfigError(f"{path}, line {number}: weight of {symbol} is {weight}, expected a finite fraction.")
                lists.setdefault(day, {})[symbol] = weight
    except OSError as error:
        raise ConfigError(
            f"holdings_file {path}: cannot be read ({error.strerror}); relative paths start at the config file's folder."
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: is not a CSV file of UTF-8 text ({error}); export it again.") from None
    if not lists:
        raise ConfigError(f"{path}: holds no rows; expected the columns date, symbol, weight.")
    dates = sorted(lists)
    return dates, [lists[day] for day in dates]
