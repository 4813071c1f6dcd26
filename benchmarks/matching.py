"""How fast the exchange matches: ``python -m benchmarks.matching``; thread CPU time, messages loaded, tape allocated, one call."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.hard_flows import colliding_ids, random_cancels, random_ids, renamed, with_rare_rules
from benchmarks.machine import describe
from benchmarks.order_flow import MID_TICK, order_flow
from marketsim.exchange import Exchange
from marketsim.records import MESSAGE, Kind, Side
from marketsim.venue_rules import VenueRules

N = 2_000_000
REPEATS = 5
ONE_PROCESS = """
import time
start = time.perf_counter()
from marketsim.exchange import Exchange
Exchange().submit(2, 1, 1, 1, 1)
print(time.perf_counter() - start)
"""


def rate(
    messages: NDArray[np.void], first: int, deep: NDArray[np.void] | None = None, rules: VenueRules | None = None
) -> tuple[float, int, int]:
    """Return the best millions of messages a second after the first ``first`` ones, the trades, and the live orders."""
    best = 0.0
    for _ in range(REPEATS if deep is None else 2):
        exchange = Exchange(rules, expected_messages=len(messages) + (0 if deep is None else len(deep)))
        if deep is not None:
            exchange.process_only(deep)
        exchange.process_only(messages[:first])
        exchange.take()
        start = time.thread_time()
        exchange.process_only(messages[first:])
        best = max(best, (len(messages) - first) / (time.thread_time() - start) / 1e6)
        n_trades = len(exchange.take().trades)
    return best, n_trades, exchange.n_live


def standing(n: int, first_id: int) -> NDArray[np.void]:
    """Return ``n`` limit orders that never trade: 2,000 levels on either side, away from the touch."""
    rng = np.random.default_rng(5)
    messages = np.zeros(n, MESSAGE)
    messages["kind"], messages["qty_lot"] = Kind.LIMIT, 10
    messages["order_id"] = first_id + np.arange(n)
    messages["side"] = np.where(rng.random(n) < 0.5, Side.BUY, Side.SELL)
    messages["price_tick"] = MID_TICK - messages["side"] * rng.integers(8_000, 10_000, n)
    return messages


def round_trip_us() -> float:
    """Return the microseconds of one message through the incremental exchange, from Python and back."""
    exchange = Exchange()
    submit = exchange.submit
    for k in range(1000):
        submit(Kind.LIMIT, k, Side.BUY, 1, 100)
    best = float("inf")
    for _ in range(20):
        start = time.thread_time()
        for k in range(1000):
            submit(Kind.REDUCE, 10**6 + k, Side.BUY, 1, 100)
        best = min(best, (time.thread_time() - start) / 1000 * 1e6)
        exchange.take()
    return best


def start_s(cache: str) -> float:
    """Return the seconds of a fresh process from import to the first message's answer."""
    environment = os.environ | {"MARKETSIM_KERNEL_CACHE": cache}
    return float(subprocess.run([sys.executable, "-c", ONE_PROCESS], env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    print(describe("numba", "numpy"))
    print("52 % limit, 41 % cancel, 2.5 % market, 4.5 % replace, about 17,000 resting; peers on such a flow: CppTrader 3-4, bourse 2-3 M/s")
    flows = {
        "near the touch": order_flow(N),
        "spread over 1e9 ticks": order_flow(N, spread_ticks=10**9),
        "every order type": order_flow(N, every_kind=True),
    }
    near, filling = flows["near the touch"]
    flows["ids of 63 random bits"] = renamed(near, random_ids(len(near))), filling
    flows["ids chosen to collide"] = renamed(near, colliding_ids(len(near))), filling
    flows["auctions, mass cancels"] = with_rare_rules(near, filling), filling
    for name, (messages, first) in flows.items():
        rules = VenueRules.plain(self_trade="decrement") if name == "auctions, mass cancels" else None
        speed, n_trades, n_live = rate(messages, first, rules=rules)
        print(f"{name:>24}: {speed:6.1f} M messages/s  ({n_trades:,} trades, {n_live:,} live at the end)")
    messages, _ = order_flow(500_000, resting=900)
    for n in (0, 10**5, 10**6, 10**7):
        speed, _, n_live = rate(messages, 900, standing(n, len(messages)))
        print(f"{n_live:>18,} live: {speed:6.1f} M messages/s")
    for n in (10**5, 10**6, 10**7):
        deep = standing(n, 0)
        speed, _, n_live = rate(random_cancels(deep, n // 10), 0, deep)
        print(f"random cancels of {n:>10,}: {speed:6.1f} M messages/s")
    print(f"incremental round trip: {round_trip_us():.2f} us")
    with tempfile.TemporaryDirectory() as cache:
        print(f"cold start {start_s(cache):.1f} s, warm start {start_s(cache):.2f} s")


if __name__ == "__main__":
    main()
