"""What is written down of a simulated market, against the exchange run again on the captured messages, and against the tape."""

from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import marketsim.markets.simulated.run as market_run
from marketsim.config.run import RunSpec
from marketsim.exchange import process
from marketsim.markets.simulated.results import Results
from marketsim.records import MESSAGE, Kind, Phase, Side, Tif
from tests.living.planted import CROWD, played, run_spec

CAPTURE = {
    "orders": True,
    "events": True,
    "trades": True,
    "quotes": True,
    "depth": {"levels": 3, "every_s": 60},
    "accounts": {"every_s": 60},
}
POPULATION = {
    "crowd": CROWD,
    "noise": {"kind": "poisson_noise", "count": 20, "cash": 5_000, "position_shares": 10, "parameters": {"rate_per_s": 0.5}},
}


def small(**changes: object) -> RunSpec:
    return run_spec(POPULATION, capture=CAPTURE, phases={"opening_auction_s": 60, "closing_auction_s": 60}, **changes)


@pytest.fixture(scope="module")
def run() -> tuple[Results, dict[str, pa.Table]]:
    return played(small())


def codes(column: pa.ChunkedArray, enum: type) -> np.ndarray:
    return np.array([enum[name.upper()] if name else 0 for name in column.to_pylist()])


def ticks(column: pa.ChunkedArray) -> np.ndarray:
    return np.round(np.nan_to_num(column.to_numpy()) * 100).astype(np.int64)


def messages(orders: pa.Table) -> np.ndarray:
    """Return the captured messages as the exchange takes them."""
    m = np.zeros(orders.num_rows, MESSAGE)
    m["time_ns"] = orders["time_utc"].cast(pa.int64()).to_numpy()
    m["kind"], m["side"] = codes(orders["kind"], Kind), codes(orders["side"], Side)
    m["tif"] = codes(orders["tif"], Tif)
    m["order_id"], m["owner_id"] = orders["order_id"].to_numpy(), orders["agent_number"].to_numpy()
    m["price_tick"] = ticks(orders["limit_price"])
    m["qty_lot"] = np.nan_to_num(orders["qty_shares"].to_numpy()).astype(np.int64)
    return m


def test_the_captured_messages_give_the_captured_trades_and_quotes_again(run: tuple[Results, dict[str, pa.Table]]) -> None:
    _, tables = run
    orders = tables["market_orders"]
    m = messages(orders)
    # The phase a message asks for is not among the columns of an order; the events tell it.
    phases = tables["market_events"].filter(pc.equal(tables["market_events"]["kind"], "phase"))
    asked = dict(zip(phases["seq"].to_pylist(), codes(phases["phase"], Phase), strict=True))
    is_phase = m["kind"] == Kind.PHASE
    m["qty_lot"][is_phase] = [asked.get(seq, Phase.CONTINUOUS) for seq in np.array(orders["seq"])[is_phase]]
    tape = process(m, top=True)
    trades = tables["market_trades"]
    assert len(tape.trades) == trades.num_rows > 100
    assert tape.trades["price_tick"].tolist() == ticks(trades["price"]).tolist()
    assert tape.trades["maker_owner"].tolist() == trades["maker_number"].to_pylist()
    assert tape.trades["taker_id"].tolist() == trades["taker_order_id"].to_pylist()
    changed = np.flatnonzero(np.append(True, tape.top[1:] != tape.top[:-1]))
    quotes = tables["market_quotes"]
    expected = tape.top[changed]
    expected = expected[(expected["bid_lot"] > 0) | (expected["ask_lot"] > 0) | (np.arange(len(expected)) > 0)]
    assert ticks(quotes["bid_price"]).tolist() == expected["bid_tick"].tolist()
    assert quotes["ask_shares"].to_pylist() == expected["ask_lot"].tolist()


def test_positions_and_cash_follow_from_the_trades_alone(run: tuple[Results, dict[str, pa.Table]]) -> None:
    results, tables = run
    trades, agents = tables["market_trades"], results.market_agents()
    shares, cash = np.zeros(agents.num_rows), np.zeros(agents.num_rows)
    buys = pc.equal(trades["aggressor"], "sell").to_numpy(zero_copy_only=False)  # then the maker buys; in auctions the taker does
    qty, price = trades["qty_shares"].to_numpy(), trades["price"].to_numpy()
    for column, side in (("maker_number", np.where(buys, 1, -1)), ("taker_number", np.where(buys, -1, 1))):
        np.add.at(shares, trades[column].to_numpy(), side * qty)
        np.add.at(cash, trades[column].to_numpy(), -side * qty * price)
    started = np.array([name == "noise" for name in agents["group_name"].to_pylist()])
    assert results.world.holdings[:, 0].tolist() == (shares + 10 * started).tolist()
    np.testing.assert_allclose(agents["cash"].to_numpy(), cash + 5_000 * started, atol=1e-6)
    # What the groups made of each other adds up to what the price did to the shares they began with.
    last = price[-1]
    assert sum(agents["pnl_cash"].to_pylist()) == pytest.approx(200 * (last - 100.0), abs=1e-6)


def test_accounts_on_the_grid_are_those_of_the_trades_until_then(run: tuple[Results, dict[str, pa.Table]]) -> None:
    _, tables = run
    accounts, trades = tables["market_accounts"], tables["market_trades"]
    times = accounts["time_utc"].unique()
    assert len(times) == 31 + 1  # every minute from 09:59, when orders are first collected, to 10:30
    at = times[17]
    before = trades.filter(pc.less_equal(trades["time_utc"], at))
    own = accounts.filter(pc.and_(pc.equal(accounts["time_utc"], at), pc.equal(accounts["agent_number"], 5))).to_pylist()
    maker, taker = (before.filter(pc.equal(before[f"{role}_number"], 5)) for role in ("maker", "taker"))
    signed = sum(
        qty * (1 if (aggressor == "sell") == (role == "maker") else -1)
        for role, rows in (("maker", maker), ("taker", taker))
        for qty, aggressor in zip(rows["qty_shares"].to_pylist(), rows["aggressor"].to_pylist(), strict=True)
    )
    assert own[0]["position_shares"] == 10 + signed
    assert own[0]["equity_cash"] == pytest.approx(own[0]["cash"] + own[0]["position_shares"] * own[0]["mark_price"])


def test_depth_is_sorted_best_first_and_its_first_level_is_the_quote(run: tuple[Results, dict[str, pa.Table]]) -> None:
    _, tables = run
    depth, quotes = tables["market_depth"], tables["market_quotes"]
    for row in depth.filter(pc.equal(depth["level"], 0)).to_pylist()[1:20]:
        standing = quotes.filter(pc.less_equal(quotes["time_utc"], row["time_utc"])).to_pylist()
        if standing:
            assert (row["bid_price"], row["ask_shares"]) == (standing[-1]["bid_price"], standing[-1]["ask_shares"])
    for time in depth["time_utc"].unique()[5:8]:
        bids = depth.filter(pc.equal(depth["time_utc"], time))["bid_price"].to_pylist()
        assert bids == sorted(bids, reverse=True)


def test_bars_agree_with_the_trades(run: tuple[Results, dict[str, pa.Table]]) -> None:
    results, tables = run
    bars, trades = results.market_bars().to_pylist(), tables["market_trades"]
    assert (len(bars), sum(bar["n_trades"] for bar in bars)) == (30, trades.num_rows)
    for bar in bars[1:29]:
        own = trades.filter(pc.and_(pc.greater_equal(trades["time_utc"], bar["open_utc"]), pc.less(trades["time_utc"], bar["close_utc"])))
        prices = own["price"].to_pylist()
        if prices:
            found = (bar["open_price"], bar["high_price"], bar["low_price"], bar["close_price"])
            assert found == (prices[0], max(prices), min(prices), prices[-1])
        assert bar["volume_shares"] == (pc.sum(own["qty_shares"]).as_py() or 0)


def test_the_same_rows_come_whatever_the_size_of_the_buffers(
    run: tuple[Results, dict[str, pa.Table]], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, tables = run
    monkeypatch.setattr(market_run, "ROWS", 257)
    again, cut = played(small())
    assert set(cut) == set(tables)
    assert [name for name in tables if not cut[name].equals(tables[name])] == []
    for made in ("market_bars", "market_activity", "market_agents", "equity", "positions"):
        assert getattr(again, made)().equals(getattr(results, made)())


def test_what_is_captured_changes_nothing(run: tuple[Results, dict[str, pa.Table]]) -> None:
    results, _ = run
    spec = small()
    bare = spec.market.model_copy(update={"capture": type(spec.market.capture)(orders=False, trades=False, quotes=False)})  # type: ignore[union-attr]
    again, captured = played(spec.model_copy(update={"market": bare}))
    assert captured == {}
    assert again.market_agents().equals(results.market_agents())
    assert again.market_bars().equals(results.market_bars())


def test_groups_equity_ends_where_their_agents_do(run: tuple[Results, dict[str, pa.Table]]) -> None:
    results, _ = run
    agents, equity = results.market_agents(), results.equity()
    for group in ("crowd", "noise"):
        own = pc.sum(agents.filter(pc.equal(agents["group_name"], group))["equity_cash"]).as_py()
        assert equity.filter(pc.equal(equity["agent"], group))["equity_cash"][-1].as_py() == pytest.approx(own)


def test_several_sessions_symbols_and_venues_are_kept_apart() -> None:
    population = {
        "one": {**CROWD, "symbols": ["AA"], "venue": "XB"},
        "two": {**CROWD, "symbols": ["BB"], "venue": "XA"},
    }
    venues = [{"name": "XA"}, {"name": "XB"}]
    results, tables = played(run_spec(population, symbols=("BB", "AA"), sessions=2, venues=venues, capture=CAPTURE))
    bars = results.market_bars()
    assert bars.num_rows == 2 * 2 * 2 * 30
    traded = bars.filter(pc.greater(bars["n_trades"], 0))
    assert set(zip(traded["symbol"].to_pylist(), traded["venue"].to_pylist(), strict=True)) == {("AA", "XB"), ("BB", "XA")}
    assert len(traded["session_date"].unique()) == 2
    keys = list(zip(bars["symbol"].to_pylist(), bars["venue"].to_pylist(), bars["open_utc"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    # The grid of samples rests at night: 30 minutes a session.
    assert len(tables["market_accounts"]["time_utc"].unique()) == 2 * 31
    assert dataclasses.asdict(results.times.sessions[1])["date"].isoformat() == "2021-02-08"
