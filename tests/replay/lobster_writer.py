"""Writes a day of LOBSTER files from a book kept in plain dicts; shares nothing with the reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

OPEN_S = 34_200  # 9:30 in New York
NO_LEVEL = 9_999_999_999
SUBMIT, DELETE, EXECUTE = 1, 3, 4
Row = tuple[float, int, int, int, int, int]  # seconds, type, order id, size, price (USD × 10,000), direction of the resting order


@dataclass
class Floor:
    """Displayed orders by id: direction, price, size."""

    orders: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def levels(self, direction: int) -> list[tuple[int, int]]:
        """Return (price, size) of a side, best first."""
        total: dict[int, int] = {}
        for side, price, size in self.orders.values():
            if side == direction:
                total[price] = total.get(price, 0) + size
        return sorted(total.items(), reverse=direction == 1)

    def row(self, n_levels: int) -> list[int]:
        """Return ask price, ask size, bid price, bid size a level, as an order book file has them."""
        asks, bids = self.levels(-1), self.levels(1)
        found: list[int] = []
        for k in range(n_levels):
            found += asks[k] if k < len(asks) else (NO_LEVEL, 0)
            found += bids[k] if k < len(bids) else (-NO_LEVEL, 0)
        return found


def messages(floor: Floor, minutes: int, seed: int, first_id: int) -> Iterator[Row]:
    """Yield a made-up flow: every second an order comes, and older ones are taken or withdrawn; the price follows a slow wave."""
    rng = np.random.default_rng(seed)
    for second in range(60 * minutes):
        centre = 1_000_000 + 100 * round(40 * np.sin(second / 400) + 25 * np.sin(second / 70))
        for direction in (1, -1):
            price = centre - direction * 100 * int(rng.integers(1, 6))
            others = floor.levels(-direction)
            number = first_id + 10 * second + (1 if direction == 1 else 2)
            if others and direction * (price - others[0][0]) >= 0:  # it would trade: take the best order there instead
                taken = min(n for n, (side, at, _) in floor.orders.items() if (side, at) == (-direction, others[0][0]))
                side, at, size = floor.orders.pop(taken)
                yield OPEN_S + second + 0.25 - 0.1 * direction, EXECUTE, taken, size, at, side
                continue
            floor.orders[number] = (direction, price, int(rng.integers(1, 8)) * 100)
            yield OPEN_S + second + 0.25 - 0.1 * direction, SUBMIT, number, floor.orders[number][2], price, direction
        if second % 3 == 2 and len(floor.orders) > 40:
            oldest = min(floor.orders)
            side, at, size = floor.orders.pop(oldest)
            yield OPEN_S + second + 0.75, DELETE, oldest, size, at, side


def write_day(folder: Path, symbol: str = "ACME", *, minutes: int = 60, n_levels: int = 10, seed: int = 1, first_id: int = 0) -> Path:
    """Write a message file of 2024-03-04 and its order book file beside it, and return the message file."""
    floor, lines, rows = Floor(), [], []
    for second, kind, number, size, price, direction in messages(floor, minutes, seed, first_id):
        lines.append(f"{second:.9f},{kind},{number},{size},{price},{direction}")
        rows.append(",".join(map(str, floor.row(n_levels))))
    path = folder / f"{symbol}_2024-03-04_34200000_57600000_message_{n_levels}.csv"
    path.write_text("\n".join(lines) + "\n")
    path.with_name(path.name.replace("message", "orderbook")).write_text("\n".join(rows) + "\n")
    return path
