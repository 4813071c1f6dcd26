"""Round trips by hand: first in first out, flips, splits, fees, excursions."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketsim.errors import DataError
from marketsim.risk.round_trips import round_trips
from tests.risk.risk_tables import bars_of, fills_of, table, when
from warehouse.schemas import TABLES

FLAT = [(10.0, 10.0)] * 20


def _trips(
    fills: list[tuple[str, float, float, str]], bars: list[tuple[float, float]] = FLAT, **options: object
) -> list[dict[str, object]]:
    splits = options.pop("splits", None)
    return round_trips(fills_of(fills, **options), bars_of(bars, splits=splits)).to_pylist()  # type: ignore[arg-type]


def test_the_columns_are_the_warehouses() -> None:
    assert round_trips(fills_of([]), bars_of(FLAT)).schema == TABLES["round_trips"].arrow
    assert round_trips(fills_of([("buy", 1, 10, "0o"), ("sell", 1, 11, "1o")]), bars_of(FLAT)).schema == TABLES["round_trips"].arrow


def test_a_sale_closes_the_oldest_lots_first() -> None:
    first, second = _trips([("buy", 100, 10, "0o"), ("buy", 100, 20, "1o"), ("sell", 150, 30, "2o")])
    assert (first["qty_shares"], first["entry_price"], first["pnl_cash"]) == (100, 10, 2000)
    assert (second["qty_shares"], second["entry_price"], second["pnl_cash"]) == (50, 20, 500)
    assert first["return_frac"] == 2.0


def test_lots_still_open_are_no_round_trips() -> None:
    assert _trips([("buy", 100, 10, "0o")]) == []
    assert len(_trips([("buy", 100, 10, "0o"), ("sell", 30, 11, "1o")])) == 1


def test_a_sale_beyond_the_position_opens_a_short_lot() -> None:
    long, short = _trips([("buy", 100, 10, "0o"), ("sell", 300, 12, "1o"), ("buy", 200, 9, "2o")])
    assert (long["side"], long["pnl_cash"]) == ("buy", 200)
    assert (short["side"], short["qty_shares"], short["pnl_cash"]) == ("sell", 200, 600)


def test_fees_are_shared_by_the_shares_of_their_fill() -> None:
    first, second = _trips([("buy", 100, 10, "0o"), ("sell", 25, 10, "1o"), ("sell", 75, 10, "2o")], fee=4.0)
    assert (first["fee_cash"], second["fee_cash"]) == (1.0 + 4.0, 3.0 + 4.0)
    assert (first["pnl_cash"], second["pnl_cash"]) == (-5.0, -7.0)


def test_a_split_restates_the_lot_and_leaves_its_profit() -> None:
    (trip,) = _trips([("buy", 100, 40, "0o"), ("sell", 200, 21, "2o")], [(40, 40), (40, 40), (20, 22)], splits={2: 2.0}, fee=1.0)
    assert (trip["qty_shares"], trip["entry_price"], trip["exit_price"]) == (200, 20, 21)
    assert (trip["fee_cash"], trip["pnl_cash"]) == (2.0, 198.0)
    assert trip["return_frac"] == pytest.approx(198 / 4000)


def test_a_fill_at_the_open_of_the_split_bar_is_in_new_shares() -> None:
    (trip,) = _trips([("buy", 200, 20, "1o"), ("sell", 200, 21, "2o")], [(40, 40), (20, 20), (20, 22)], splits={1: 2.0})
    assert (trip["qty_shares"], trip["entry_price"], trip["pnl_cash"]) == (200, 20, 200)


def test_a_three_for_two_split_leaves_no_dust_behind() -> None:
    trips = _trips(
        [("buy", 101, 30, "0o"), ("sell", 50.5, 20, "1o"), ("sell", 101.0, 20, "2o"), ("buy", 7, 20, "3o")], FLAT, splits={1: 1.5}
    )
    assert sum(trip["qty_shares"] for trip in trips) == pytest.approx(151.5)  # type: ignore[misc]
    assert all(trip["side"] == "buy" for trip in trips)


def test_excursions_cover_the_bars_from_the_entrys_open_to_the_bar_before_an_exit_at_the_open() -> None:
    bars = [(100.0, 100.0), (95.0, 104.0), (90.0, 120.0), (50.0, 200.0)]
    (trip,) = _trips([("buy", 1, 100, "1o"), ("sell", 1, 110, "3o")], bars)
    assert (trip["mae_frac"], trip["mfe_frac"]) == (pytest.approx(-0.10), pytest.approx(0.20))
    assert trip["bars_held"] == 2


def test_an_entry_stamped_with_the_close_starts_with_the_next_bar_and_an_exit_so_stamped_counts_its_bar() -> None:
    bars = [(1.0, 500.0), (95.0, 104.0), (90.0, 120.0), (1.0, 500.0)]
    (trip,) = _trips([("buy", 1, 100, "0c"), ("sell", 1, 110, "2c")], bars)
    assert (trip["mae_frac"], trip["mfe_frac"]) == (pytest.approx(-0.10), pytest.approx(0.20))
    assert trip["bars_held"] == 2


def test_a_short_trips_excursions_are_mirrored() -> None:
    bars = [(100.0, 100.0), (80.0, 130.0), (100.0, 100.0)]
    (trip,) = _trips([("sell", 1, 100, "1o"), ("buy", 1, 90, "2o")], bars)
    assert (trip["mae_frac"], trip["mfe_frac"]) == (pytest.approx(-0.30), pytest.approx(0.20))


def test_the_exit_price_of_a_gap_counts_as_an_excursion() -> None:
    (trip,) = _trips([("buy", 1, 100, "0o"), ("sell", 1, 60, "1o")], [(99.0, 101.0), (55.0, 65.0)])
    assert trip["mae_frac"] == pytest.approx(-0.40)


def test_excursions_are_restated_for_a_split_on_the_way() -> None:
    (trip,) = _trips([("buy", 1, 100, "0o"), ("sell", 2, 55, "2o")], [(90.0, 110.0), (40.0, 60.0), (55.0, 55.0)], splits={1: 2.0})
    assert (trip["mae_frac"], trip["mfe_frac"]) == (pytest.approx(-0.20), pytest.approx(0.20))


def test_agents_do_not_close_each_others_lots() -> None:
    import pyarrow as pa

    fills = pa.concat_tables([fills_of([("buy", 1, 10, "0o")], agent="ann"), fills_of([("sell", 1, 12, "1o")], agent="bob")])
    assert round_trips(fills, bars_of(FLAT)).num_rows == 0


def test_a_symbol_without_bars_is_a_clear_error() -> None:
    with pytest.raises(DataError, match="fills of ZZZ have no bars"):
        round_trips(fills_of([("buy", 1, 10, "0o")], symbol="ZZZ"), bars_of(FLAT))


FILL = st.tuples(
    st.sampled_from(["buy", "sell"]), st.integers(1, 300), st.integers(50, 150), st.integers(0, 19), st.sampled_from(["o", "c"])
)


@given(st.lists(FILL, max_size=30), st.sampled_from([None, {7: 2.0}, {3: 1.5, 12: 0.1}]))
def test_round_trips_and_open_lots_account_for_all_cash(raw: list[tuple[str, int, int, int, str]], splits: dict[int, float] | None) -> None:
    """Money in and out of fills = profit of round trips − cost of what is still open, found by a slow twin that moves single lots."""
    fee = 1.25
    ordered = sorted(((side, float(qty), price / 10, f"{day}{at}") for side, qty, price, day, at in raw), key=lambda f: when(f[3]))
    trips = round_trips(fills_of(ordered, fee=fee), bars_of([(1.0, 20.0)] * 20, splits=splits))
    lots: list[list[float]] = []  # signed shares, price, fee a share
    realised, closed, day_before = 0.0, 0.0, -1
    for side, qty, price, at in ordered:
        day = int(at[:-1])
        for split_day, ratio in (splits or {}).items():
            if day_before < split_day <= day:
                lots = [[shares * ratio, cost / ratio, share_fee / ratio] for shares, cost, share_fee in lots]
                closed *= ratio
        day_before = day
        sign = 1.0 if side == "buy" else -1.0
        left, share_fee = qty, fee / qty
        while left > 1e-9 and lots and lots[0][0] * sign < 0:
            matched = min(left, abs(lots[0][0]))
            realised += -sign * matched * (price - lots[0][1]) - matched * (share_fee + lots[0][2])
            lots[0][0] += sign * matched
            left -= matched
            if abs(lots[0][0]) < 1e-9:
                lots.pop(0)
        if left > 1e-9:
            lots.append([sign * left, price, share_fee])
    total = float(np.sum(trips["pnl_cash"].to_numpy()))
    assert total == pytest.approx(realised, abs=1e-6)
    cash = sum((-1 if side == "buy" else 1) * qty * price - fee for side, qty, price, _ in ordered)
    still_open = sum(shares * cost + abs(shares) * share_fee for shares, cost, share_fee in lots)
    assert total - still_open == pytest.approx(cash, abs=1e-6)
    assert (trips["mae_frac"].to_numpy() <= 0).all()
    assert (trips["mfe_frac"].to_numpy() >= 0).all()


def test_a_hundred_thousand_fills_take_about_a_second() -> None:
    rng = np.random.default_rng(5)
    n_bars, n = 5_000, 100_000
    at = np.sort(rng.integers(0, n_bars, n))
    side = np.where(rng.random(n) < 0.5, "buy", "sell")
    rows = fills_of(
        list(zip(side.tolist(), rng.integers(1, 100, n).tolist(), (50 + 50 * rng.random(n)).tolist(), [f"{d}o" for d in at], strict=True))
    )
    bars = bars_of([(49.0, 101.0)] * n_bars)
    started = time.process_time()
    trips = round_trips(rows, bars)
    assert trips.num_rows > n / 2
    assert time.process_time() - started < 5.0  # 0.6 s on an idle core; the rest is for a busy machine


def test_rows_come_out_in_the_order_of_the_warehouse() -> None:
    import pyarrow as pa

    fills = pa.concat_tables(
        [
            fills_of([("buy", 2, 10, "0o"), ("sell", 1, 12, "3o"), ("sell", 1, 12, "5o")], agent="zoe"),
            fills_of([("buy", 1, 10, "0o"), ("sell", 1, 12, "4o")], agent="ann"),
        ]
    )
    rows = round_trips(fills, bars_of(FLAT)).to_pylist()
    keys = [tuple(row[name] for name in TABLES["round_trips"].sort_by) for row in rows]
    assert keys == sorted(keys)
    assert table("round_trips", []).schema == TABLES["round_trips"].arrow
