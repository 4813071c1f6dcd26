"""The same seed, the same bytes: whatever is written down, in whatever portions, on whatever thread or process."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.living import rmsc04_world
from marketsim.markets.simulated.setting import Capture, Member
from tests.living.probes import BlindParams, blind, orders_of, run, setting, world_of

HOURS = 0.4
PROCESS = """
from tests.living.test_the_same_seed_gives_the_same_bytes import tape_of
print(tape_of(11))
"""


def tape_of(seed: int, capture: Capture | None = None) -> str:
    """Return a digest of all trades, events and final accounts."""
    digest = hashlib.sha256()
    world = rmsc04_world(seed, capture, HOURS)
    parts = run(world)
    for table in ("trades", "events"):
        digest.update(np.concatenate([getattr(part.tape, table) for part in parts]).tobytes())
    for column in ("cash_tick_lot", "stream", "n_turns", "n_orders", "n_cancels", "n_fills"):
        digest.update(np.ascontiguousarray(world.agents[column]).tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def expected() -> str:
    return tape_of(11)


@pytest.mark.parametrize(
    "capture",
    [
        Capture(rows=64),
        Capture(orders=True, quotes=True, rows=1000),
        Capture(depth_levels=10, depth_every_ns=10_000_000_000, accounts_every_ns=10_000_000_000),
    ],
)
def test_capture_and_buffers_change_nothing(capture: Capture, expected: str) -> None:
    assert tape_of(11, capture) == expected


def test_threads_change_nothing(expected: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(tape_of, [11, 12, 11])) == [expected, tape_of(12), expected]


def test_another_process_changes_nothing(expected: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected


def test_another_seed_is_another_day(expected: str) -> None:
    assert tape_of(12) != expected


@pytest.mark.parametrize("how", ["removed", "muted", "replaced"])
def test_without_one_agent_every_other_draws_the_same(how: str) -> None:
    """They look at nothing, so all they send is their draws."""
    members = [Member(f"blind.{k}", blind, BlindParams()) for k in range(6)]
    others = {
        "removed": [member for member in members if member.name != "blind.2"],
        "muted": [Member(member.name, blind, BlindParams(), muted=member.name == "blind.2") for member in members],
        "replaced": [Member("stranger", blind, BlindParams()) if m.name == "blind.2" else m for m in members],
    }[how]

    def sent(people: list[Member]) -> dict[str, list[tuple[int, ...]]]:
        rows = orders_of(world_of(people, setting()))
        fields = ["time_ns", "side", "price_tick", "qty_lot"]
        return {m.name: rows[rows["owner_id"] == k][fields].tolist() for k, m in enumerate(people, start=1)}

    with_all, without = sent(members), sent(others)
    assert len(with_all["blind.0"]) > 50
    for name in ("blind.0", "blind.1", "blind.3", "blind.4", "blind.5"):
        assert without[name] == with_all[name]
