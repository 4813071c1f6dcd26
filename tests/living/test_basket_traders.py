"""The rebalancer and the holdings fund: targets by hand calculation, a real holdings file, and faulty ones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from marketsim.agents.institutions.holdings_fund import HoldingsFundParams, holdings_fund, holdings_targets
from marketsim.agents.institutions.rebalancer import RebalancerParams, rebalancer
from marketsim.errors import ConfigError, StrategyError
from marketsim.markets.simulated.setting import Latency, Member
from marketsim.records import Kind, Phase
from tests.conftest import SHARED_DATA
from tests.living.small_worlds import SECOND, T0, Played, enters, message, play, rests

ARK = SHARED_DATA / "ark" / "ark_holdings.parquet"
DAY = 86_400 * SECOND
PRICES = (1000, 500, 200)


def deep_books(n: int) -> list[Any]:
    books = []
    for k in range(n):
        price = PRICES[k % len(PRICES)]
        books += rests([(1, price - 1, 10**8), (-1, price + 1, 10**8)], first=10 * k, symbol=k)
    return books


def orders(done: Played) -> list[tuple[float, int, int]]:
    """(seconds, symbol, signed lots) of the agent's orders."""
    return [((int(m["time_ns"]) - T0) / SECOND, int(m["symbol"]), int(m["side"] * m["qty_lot"])) for m in done.sent(1, Kind.LIMIT)]


def test_the_rebalancer_reaches_its_weights_in_equal_steps_and_sells_first() -> None:
    params = RebalancerParams(weights=(0.5, 0.3), before_close_s=20.0, done_before_close_s=0.0, n_slices=4)
    member = Member("pension fund", rebalancer, params, cash_tick_lot=100_000, position_lot=(0, 1000))
    done = play([member], deep_books(2), seconds=60, n_symbols=2)
    # Equity 100,000 + 1000 * 500 = 600,000: 300 lots of the first at 1000 and 360 of the second at 500; steps of 75 and 160.
    steps = [(40.0 + 5 * k, symbol, lots) for k in range(4) for symbol, lots in ((1, -160), (0, 75))]
    assert orders(done) == steps
    assert done.world.holdings[1].tolist() == [300, 360]


def test_the_rebalancer_comes_back_every_day_with_the_new_prices() -> None:
    sessions = tuple((T0 + k * DAY, T0 + k * DAY + 60 * SECOND) for k in range(2))
    params = RebalancerParams(weights=(0.5,), before_close_s=20.0, done_before_close_s=0.0, n_slices=2)
    member = Member("pension fund", rebalancer, params, cash_tick_lot=100_000)
    # The next day the price has doubled: of the equity, 50,000 - 50 of costs + 50 * 2000, half is wanted in shares.
    night = [
        message(86_400, Kind.CANCEL, number=0), message(86_400, Kind.CANCEL, number=1),
        *rests([(1, 1999, 10**8), (-1, 2001, 10**8)], at_s=86_401, first=50),
    ]  # fmt: skip
    done = play([member], [*deep_books(1), *night], sessions=sessions)
    assert orders(done) == [(40.0, 0, 25), (50.0, 0, 25), (86_440.0, 0, -6), (86_450.0, 0, -7)]
    cash = 100_000 - 50 * 1001
    assert done.position(1) == int(0.5 * (cash + 50 * 2000) / 2000)


def test_the_last_step_is_over_before_a_closing_auction() -> None:
    params = RebalancerParams(weights=(0.5,), before_close_s=30.0, done_before_close_s=10.0, n_slices=2)
    auction = [enters(50, Phase.CLOSING_AUCTION), enters(59, Phase.CLOSED)]
    done = play([Member("pension fund", rebalancer, params, cash_tick_lot=100_000)], [*deep_books(1), *auction], seconds=60)
    assert orders(done) == [(30.0, 0, 25), (40.0, 0, 25)]
    with pytest.raises(ValidationError, match="begin earlier"):
        RebalancerParams(weights=(0.5,), before_close_s=300.0)


def test_a_step_that_finds_nobody_is_caught_up() -> None:
    params = RebalancerParams(weights=(0.5,), before_close_s=20.0, done_before_close_s=0.0, n_slices=2, check_s=2.0)
    member = Member("pension fund", rebalancer, params, cash_tick_lot=100_000, latency=Latency(order_ns=10_000_000))
    thin = [*rests([(1, 999, 50), (-1, 1001, 10)]), *rests([(-1, 1001, 1000)], at_s=45.0, first=5)]
    done = play([member], thin, seconds=60)
    # Ten lots are there at 40 s; it looks every two seconds, and finds somebody for the other 15 at 46 s.
    assert orders(done) == [(40.01, 0, 25), (46.01, 0, 15), (50.01, 0, 25)]
    assert done.position(1) == 50


def test_more_weights_than_symbols_end_the_run() -> None:
    member = Member("pension fund", rebalancer, RebalancerParams(weights=(0.5, 0.5), done_before_close_s=0.0), cash_tick_lot=1)
    with pytest.raises(StrategyError, match="pension fund"):
        play([member], deep_books(1))


def write(path: Path, rows: list[tuple[str, str, str, float]]) -> Path:
    columns = list(zip(*rows, strict=True))
    table = pa.table({
        "date": pa.array([dt.date.fromisoformat(day) for day in columns[0]]), "fund": columns[1], "ticker": columns[2],
        "shares": pa.array(columns[3], pa.float64()),
    })  # fmt: skip
    if path.suffix == ".csv":
        pacsv.write_csv(table, path)
    else:
        pq.write_table(table, path)
    return path


ROWS = [
    ("2021-01-04", "ONE", "AAA", 1000.0), ("2021-01-04", "ONE", "BBB", 500.0), ("2021-01-04", "TWO", "AAA", 7.0),
    ("2021-01-06", "ONE", "BBB", 700.0), ("2021-01-06", "ONE", "CCC", 50.0),
]  # fmt: skip
DATES = [dt.date(2021, 1, day) for day in (4, 5, 6, 7)]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_holdings_file_becomes_targets_date_by_date(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"holdings.{suffix}", ROWS)
    targets = holdings_targets(file, ["BBB", "AAA"], DATES, fund="ONE", lot_shares=10.0)
    # The 5th repeats the 4th; on the 6th AAA is gone; CCC is not traded here.
    assert targets == (50, 100, 50, 100, 70, 0, 70, 0)


def test_faulty_holdings_files_are_refused_with_the_reason(tmp_path: Path) -> None:
    file = write(tmp_path / "holdings.csv", ROWS)
    with pytest.raises(ConfigError, match="is not there"):
        holdings_targets(tmp_path / "none.csv", ["AAA"], DATES, fund="ONE")
    with pytest.raises(ConfigError, match="no rows of the fund THREE"):
        holdings_targets(file, ["AAA"], DATES, fund="THREE")
    with pytest.raises(ConfigError, match="AAA twice on 2021-01-04"):
        holdings_targets(file, ["AAA"], DATES)
    with pytest.raises(ConfigError, match="begins on 2021-01-04, after the session of 2021-01-01"):
        holdings_targets(file, ["AAA"], [dt.date(2021, 1, 1)], fund="ONE")
    (tmp_path / "bare.csv").write_text("day,ticker,shares\n2021-01-04,AAA,5\n")
    with pytest.raises(ConfigError, match="lacks date"):
        holdings_targets(tmp_path / "bare.csv", ["AAA"], DATES)
    (tmp_path / "words.csv").write_text("date,ticker,shares\nyesterday,AAA,many\n")
    with pytest.raises(ConfigError, match=r"words\.csv"):
        holdings_targets(tmp_path / "words.csv", ["AAA"], DATES)
    with pytest.raises(ValidationError, match="no multiple of n_symbols 2"):
        HoldingsFundParams(n_symbols=2, target_lot=(1, 2, 3))


def test_the_fund_holds_at_every_close_what_the_file_says() -> None:
    sessions = tuple((T0 + k * DAY, T0 + k * DAY + 60 * SECOND) for k in range(3))
    params = HoldingsFundParams(n_symbols=2, target_lot=(120, 0, 120, 50, 20, 50), before_close_s=30.0, done_before_close_s=0.0, n_slices=3)
    done = play([Member("fund", holdings_fund, params, position_lot=(120, 30))], deep_books(2), sessions=sessions, n_symbols=2)
    assert orders(done) == [
        (30.0, 1, -10), (40.0, 1, -10), (50.0, 1, -10),
        (86_430.0, 1, 16), (86_440.0, 1, 17), (86_450.0, 1, 17),
        (172_830.0, 0, -33), (172_840.0, 0, -33), (172_850.0, 0, -34),
    ]  # fmt: skip


@pytest.mark.skipif(not ARK.exists(), reason="the shared market data are not here")
def test_a_real_fund_is_followed_share_by_share() -> None:
    table = pq.read_table(ARK)
    fund = table.filter(pc.equal(table.column("fund"), "ARKK"))
    dates = sorted({dt.date.fromisoformat(str(day)[:10]) for day in fund.column("date").to_pylist()})[:4]
    symbols = ["TSLA", "ROKU", "SQ"]
    targets = holdings_targets(ARK, symbols, dates, fund="ARKK")
    # Read once more, by hand.
    held = {(str(r["date"])[:10], r["ticker"]): r["shares"] for r in fund.select(["date", "ticker", "shares"]).to_pylist()}
    assert targets == tuple(round(held[str(day), name]) for day in dates for name in symbols)
    assert len(set(targets)) > len(symbols)  # it did trade
    sessions = tuple((T0 + k * DAY, T0 + k * DAY + 60 * SECOND) for k in range(4))
    params = HoldingsFundParams(n_symbols=3, target_lot=targets, before_close_s=30.0, done_before_close_s=0.0, n_slices=5)
    member = Member("ARKK", holdings_fund, params, position_lot=targets[:3])
    done = play([member], deep_books(3), sessions=sessions, n_symbols=3)
    assert done.world.holdings[1].tolist() == list(targets[-3:])
    traded = {(int(at_s // 86_400), symbol) for at_s, symbol, _ in orders(done)}
    changed = {(day, k) for day in range(1, 4) for k in range(3) if targets[3 * day + k] != targets[3 * day - 3 + k]}
    assert traded == changed
