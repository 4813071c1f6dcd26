"""The health gates of a simulated market: whether what it shows can be believed.

Conservation is counted from the tape, apart from the accounts the compiled loop keeps. Liveness looks for the classic defect, an agent
that stops asking to be woken: it compares every agent with its own habit and with its group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from marketsim.config.population import Group
from marketsim.config.simulated import SimulatedMarket
from marketsim.markets.simulated.bookkeeping import IntArray
from marketsim.markets.simulated.results import Results
from marketsim.records import Reason

# An agent that took this many turns has a habit; a silence of so many of its usual waits is no chance: even if waits are exponential,
# one in e^25, a hundred billion, lasts that long.
HABIT_TURNS = 10
LONGEST_SILENCE_WAITS = 25
# An agent with less than this share of its group's usual turns hardly took part; where the usual is this many, chance does not do it.
LEAST_SHARE_OF_TURNS = 0.05
USUAL_TURNS = 100
# Orders that no state of the market would have made acceptable come of a defect in the agent; a few may come of rounding at the edges.
NEVER_ACCEPTABLE = (
    Reason.BAD_QUANTITY, Reason.BAD_PRICE, Reason.UNKNOWN_KIND, Reason.BAD_SIDE, Reason.BAD_TIF, Reason.BAD_FLAGS, Reason.OFF_TICK,
    Reason.OFF_LOT, Reason.BAD_STOP, Reason.BAD_DISPLAY, Reason.BAD_EXPIRY, Reason.BAD_MINIMUM,
)  # fmt: skip
LARGEST_FAULTY_SHARE = 0.01


class Check(NamedTuple):
    """One gate: what was measured, what was allowed, and the sentence a reader gets."""

    name: str
    passed: bool
    observed: float | None
    allowed: str
    message: str


def health(results: Results, market: SimulatedMarket) -> pa.Table:
    """Return table `health` of a simulated market, sorted by gate."""
    rows = [*_conserved(results), *_uncrossed(results)]
    for name, group in market.population.items():
        if group.count and not group.muted:
            rows += [*_alive(name, group, results), *_cancel_ratio(name, group, results), *_sound_orders(name, results)]
    rows.sort()
    schema = pa.schema(
        [
            pa.field("gate", pa.string(), nullable=False),
            pa.field("passed", pa.bool_(), nullable=False),
            pa.field("observed", pa.float64()),
            pa.field("allowed", pa.string(), nullable=False),
            pa.field("message", pa.string(), nullable=False),
        ]
    )
    return pa.Table.from_arrays(
        [pa.array(column, f.type) for column, f in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema
    )


def _conserved(results: Results) -> Iterator[Check]:
    agents, holdings, book = results.world.agents, results.world.holdings, results.book
    cash, position = results.starting()
    gap = int(np.abs(agents["cash_tick_lot"] - cash - book.agent_cash_tick_lot).sum()) + abs(int((agents["cash_tick_lot"] - cash).sum()))
    yield _zero("market.cash_conserved", gap, "ticks times lots of cash that no trade explains")
    gap = int(np.abs(holdings - position - book.agent_position_lot).sum()) + int(np.abs((holdings - position).sum(axis=0)).sum())
    yield _zero("market.shares_conserved", gap, "lots held that no trade explains")
    gap = abs(int(agents["fees_nano"].sum()) - int(results.world.desks["fees_nano"].sum()))
    yield _zero("market.fees_conserved", gap, "billionths of fees that agents paid and no venue got, or the other way round")


def _uncrossed(results: Results) -> Iterator[Check]:
    yield _zero("market.book_uncrossed", results.book.n_crossed, "times a best bid stood at or above the best ask in continuous trading")


def _alive(name: str, group: Group, results: Results) -> Iterator[Check]:
    """Check that a group trades, until late, and that none of its agents fell silent."""
    if group.health.liveness == "none":
        return
    numbers = _numbers(name, results)
    last = results.times.sessions[-1]
    wanted_ns = last.open_ns + round(group.health.late_frac * (last.last_ns - last.open_ns))
    latest_ns = int(results.book.last_order_ns[numbers].max())
    hours = (last.last_ns - latest_ns) / 3.6e12
    what = f"{name} sent its last order {hours:.2f} h before trading ended" if latest_ns else f"{name} sent no order"
    yield Check(
        f"{name}.trades_until_late",
        latest_ns >= wanted_ns,
        hours if latest_ns else None,
        f"<= {(last.last_ns - wanted_ns) / 3.6e12:.2f} h",
        _sentence(what, latest_ns >= wanted_ns, "does it still ask to be woken when the book has one side only?"),
    )
    if group.health.liveness == "agents":
        yield _silent(name, numbers, results)


def _silent(name: str, numbers: IntArray, results: Results) -> Check:
    """Count agents that took turns regularly and then no more, or hardly any while the others of their group took many."""
    agents = results.world.agents[numbers]
    end_ns = _trading_before(results, np.array([results.times.sessions[-1].last_ns]))[0]
    first, latest = _trading_before(results, agents["first_turn_ns"]), _trading_before(results, agents["last_turn_ns"])
    n_turns = agents["n_turns"]
    wait_ns = (latest - first) / np.maximum(n_turns - 1, 1)
    silent = (n_turns >= HABIT_TURNS) & (end_ns - latest > LONGEST_SILENCE_WAITS * wait_ns)
    usual = float(np.median(n_turns))
    if usual >= USUAL_TURNS:
        silent |= n_turns < LEAST_SHARE_OF_TURNS * usual
    n = int(silent.sum())
    names = [results.roster.names()[number] for number in numbers[silent][:3]]
    what = f"{n} of {len(numbers)} agents of {name} fell silent" + (f" ({', '.join(names)}{', …' if n > len(names) else ''})" if n else "")
    return Check(f"{name}.agents_alive", n == 0, n, "<= 0", _sentence(what, n == 0, "does every path of a step ask for the next wake-up?"))


def _trading_before(results: Results, time_ns: IntArray) -> IntArray:
    """Return how much time of the sessions lies before each time, ns; nights do not count."""
    starts = np.array([session.start_ns for session in results.times.sessions])
    lengths = np.array([session.close_ns - session.start_ns for session in results.times.sessions])
    return np.asarray(np.clip(time_ns[:, None] - starts, 0, lengths).sum(axis=1))


def _cancel_ratio(name: str, group: Group, results: Results) -> Iterator[Check]:
    agents = results.world.agents[_numbers(name, results)]
    n_orders, n_cancels = int(agents["n_orders"].sum()), int(agents["n_cancels"].sum())
    if n_orders + n_cancels == 0:
        return
    ratio = n_cancels / max(n_orders, 1)
    low, high = group.health.least_cancels_per_order, group.health.most_cancels_per_order
    passed = low <= ratio <= high
    what = f"{name} sent {n_cancels:,} cancels for {n_orders:,} new orders"
    hint = f"expected {low:g} to {high:g} for one; does it cancel what is cancelled already?"
    yield Check(f"{name}.cancel_ratio", passed, ratio, f"{low:g} to {high:g}", _sentence(what, passed, hint))


def _sound_orders(name: str, results: Results) -> Iterator[Check]:
    """Check that hardly any order of a group was refused because of what stood in it."""
    n_orders = int(results.world.agents[_numbers(name, results)]["n_orders"].sum())
    if n_orders == 0:
        return
    refused = results.book.n_refused[results.roster.groups.index(name), NEVER_ACCEPTABLE]
    n = int(refused.sum())
    share = n / n_orders
    passed = share <= LARGEST_FAULTY_SHARE
    commonest = NEVER_ACCEPTABLE[int(refused.argmax())].name.lower()
    what = f"{n:,} of {n_orders:,} orders of {name} could never have been accepted" + (f", mostly for {commonest}" if n else "")
    hint = f"expected at most {LARGEST_FAULTY_SHARE:.0%}; look at them in table market_events"
    yield Check(f"{name}.orders_sound", passed, share, f"<= {LARGEST_FAULTY_SHARE:g}", _sentence(what, passed, hint))


def _numbers(name: str, results: Results) -> IntArray:
    return np.flatnonzero(np.array(results.roster.group_of) == results.roster.groups.index(name))


def _zero(name: str, observed: int, what: str) -> Check:
    return Check(name, observed == 0, float(observed), "<= 0", _sentence(f"{observed:,} {what}", observed == 0, "expected none"))


def _sentence(what: str, passed: bool, hint: str) -> str:
    return f"{what}." if passed else f"{what}; {hint}{'' if hint.endswith('?') else '.'}"
