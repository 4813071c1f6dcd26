"""Every worked example of docs/concepts/bars-market.md: bars and orders in, exactly these fills out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from marketsim.agents.strategy import MarketView, Strategy, StrategyParams
from marketsim.config.run import RunSpec
from marketsim.markets.account_run import AccountRun
from marketsim.markets.bars import AccountRunner, Liquidity, liquidity
from marketsim.markets.panel import Panel
from marketsim.records import Cancel, Kind, Order, Reason, Side, Tif

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "bars-market.md"
PLENTY = 1e9
DAY_NS = 86_400_000_000_000


def examples() -> list[Any]:
    blocks = re.findall(r"^## (.*?)$|^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    section, found = "", []
    for heading, block in blocks:
        section = re.sub(r"\W+", "_", heading.lower()).strip("_") or section
        if block:
            found.append(pytest.param(yaml.safe_load(block), id=f"{section}_{len(found)}"))
    return found


class Script(Strategy):
    """Sends the orders of an example after the bars it names."""

    def __init__(self, orders: list[dict[str, Any]], symbols: list[str]) -> None:
        super().__init__(StrategyParams())
        self._orders, self._symbols = orders, symbols

    def on_wake(self, market: MarketView) -> Iterable[Order | Cancel]:
        for order in self._orders:
            if order["after_bar"] == market.n_bars:
                yield Order(
                    symbol=order.get("symbol", self._symbols[0]),
                    side=Side[order["side"].upper()],
                    qty=float(order["shares"]),
                    kind=Kind[order["kind"].upper()],
                    limit_price=float(order.get("limit", np.nan)),
                    stop_price=float(order.get("stop", np.nan)),
                    tif=Tif[order.get("tif", "gtc").upper()],
                )


def specification(example: dict[str, Any], symbols: list[str]) -> RunSpec:
    costs = example.get("costs", {})
    return RunSpec.model_validate(
        {
            "name": "example",
            "symbols": symbols,
            "start": "2024-01-02",
            "strategy": {"kind": "buy_and_hold"},
            "account": {"cash": example.get("cash", PLENTY)},
            "fees": {"per_share": costs.get("fee_per_share", 0), "minimum": costs.get("fee_minimum", 0)},
            "slippage_bps": costs.get("slippage_bps", 0),
            "dealer": {"half_spread_bps": costs.get("half_spread_bps", 0)},
            "market": {
                "kind": "bars",
                "fill": example.get("market", {}).get("fill", "next_open"),
                "participation_cap": example.get("participation_cap"),
                "impact": {"coefficient": costs.get("impact", 0)},
            },
        }
    )


def bars_of(example: dict[str, Any], symbols: list[str]) -> Panel:
    prices = np.array(list(example["bars"].values()), dtype=np.float64)
    shape = (len(prices), len(symbols))
    opened = np.datetime64("2024-01-02T14:30", "ns").astype(np.int64) + DAY_NS * np.arange(len(prices))
    split, dividend = np.ones(shape), np.zeros(shape)
    for bar, ratio in example.get("split", {}).items():
        split[bar - 1] = ratio
    for bar, cash in example.get("dividend", {}).items():
        dividend[bar - 1] = cash
    columns = (np.repeat(prices[:, [i]], len(symbols), axis=1) for i in range(4))
    return Panel(
        tuple(symbols),
        opened,
        opened + 6 * 3_600_000_000_000,
        np.datetime64("2024-01-02") + np.arange(len(prices)),
        *columns,
        np.full(shape, float(example.get("volume", PLENTY))),
        split,
        dividend,
    )


def play(example: dict[str, Any]) -> tuple[AccountRun, Panel]:
    symbols = example.get("symbols", ["A"])
    spec, panel = specification(example, symbols), bars_of(example, symbols)
    unknown = np.full(panel.close.shape, np.nan)
    estimates = liquidity(panel, 20, 1.0) if spec.market.impact.coefficient else Liquidity(unknown, unknown)
    return AccountRunner(spec.traders[0], Script(example["orders"], symbols), spec, panel, estimates).run(lambda _: None), panel


@pytest.mark.parametrize("example", examples())
def test_the_bars_market_fills_as_its_page_says(example: dict[str, Any]) -> None:
    run, panel = play(example)
    expected = example["fills"]
    assert [int(fill["bar"]) + 1 for fill in run.fills] == [fill["bar"] for fill in expected]
    for fill, said in zip(run.fills, expected, strict=True):
        assert panel.symbols[fill["symbol"]] == said.get("symbol", panel.symbols[0])
        assert int(fill["side"]) == Side[said["side"].upper()]
        assert float(fill["qty"]) == said["shares"]
        assert float(fill["price"]) == pytest.approx(said["price"], abs=5e-5)
        assert int(fill["liquidity"]) == (1 if said["liquidity"] == "maker" else 2)
        assert float(fill["fee"]) == pytest.approx(said.get("fee", 0.0), abs=1e-9)
    ended = [Reason(int(order["reason"])).name.lower() for order in run.orders]
    assert [reason for reason in ended if reason not in ("none", "end_of_run")] == example.get("reasons", [])
    if "cash_gain" in example:
        assert run.cash[-1] - example.get("cash", PLENTY) == pytest.approx(example["cash_gain"], abs=1e-6)


def test_the_page_holds_an_example_of_every_kind_of_order() -> None:
    shown = {order["kind"].upper() for example in examples() for order in example.values[0]["orders"]}
    assert shown == {kind.name for kind in Kind if kind <= Kind.MARKET_ON_CLOSE}
