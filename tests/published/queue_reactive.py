"""The queue-reactive market: the stationary law of each queue beside its closed form, and how often the reference price moves.

A queue alone is a birth-and-death process, so that pi(n) is proportional to the product over j <= n of lambda_L(j - 1) / (lambda_C(j) +
lambda_M(j)) (Huang, Lehalle and Rosenbaum 2015, section 2.3). Market orders come to the first queue only here, so that the law of the
others is closed as well.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from marketsim.agents.background.queue_reactive import QueueReactiveParams, queue_reactive
from marketsim.records import Kind
from tests.published.runs import NS, alone
from tests.published.section import Section

Numbers = npt.NDArray[np.float64]
BID = 10_000  # ticks; the sellers' first queue is one above
MOST = 47
QUEUES = ("first", "second", "third")


def flow(theta: float, theta_reinit: float) -> QueueReactiveParams:
    """Return the default flow with market orders at the first queue only."""
    return QueueReactiveParams(theta=theta, theta_reinit=theta_reinit, second_market_per_s=(0.0,), third_market_per_s=(0.0,), order_lot=1)


def rates(params: QueueReactiveParams, queue: int) -> tuple[Numbers, Numbers]:
    """Return (MOST + 1,) rates at which a queue grows and shrinks, by its size, 1/s."""

    def curve(what: str) -> Numbers:
        values = getattr(params, f"{QUEUES[queue]}_{what}_per_s")
        return np.array([values[min(n, len(values) - 1)] for n in range(MOST + 1)])

    shrinks = curve("cancel") + curve("market")
    shrinks[0] = 0
    return curve("limit"), shrinks


def law(params: QueueReactiveParams, queue: int) -> Numbers:
    """Return (MOST + 1,) pi(n) of a queue."""
    grows, shrinks = rates(params, queue)
    chances = np.cumprod(np.concatenate([[1.0], grows[:-1] / shrinks[1:]]))
    return chances / chances.sum()


def measured_laws(seconds: float, seed: int) -> Numbers:
    """Return (3, MOST + 1) shares of time with n orders in each of the buyers' queues, the reference price kept where it is."""
    written = alone(queue_reactive, flow(0, 0), seconds, seed, BID, quotes=True, depth_levels=3, depth_every_ns=int(2 / NS))
    quotes = written.quotes
    lasted_s = np.diff(quotes["time_ns"] * NS, append=seconds)
    sizes = np.where(quotes["bid_tick"] == BID, quotes["bid_lot"], 0)
    out = [np.bincount(sizes, lasted_s, MOST + 1)[: MOST + 1] / lasted_s.sum()]
    samples = written.depths
    n_samples = len(np.unique(samples["time_ns"]))
    for queue in (1, 2):
        here = (samples["depth"]["bid_tick"] == BID - queue) & (samples["depth"]["bid_lot"] > 0)
        counts = np.bincount(samples["depth"]["bid_lot"][here], minlength=MOST + 1)[: MOST + 1].astype(float)
        counts[0] = n_samples - counts.sum()
        out.append(counts / n_samples)
    return np.array(out)


def laws(seconds: float, seeds: range) -> tuple[Numbers, Numbers]:
    """Return the mean over independent runs of `measured_laws` and its standard error."""
    runs = np.array([measured_laws(seconds, seed) for seed in seeds])
    return runs.mean(axis=0), runs.std(axis=0, ddof=1) / math.sqrt(len(seeds))


def exact_moves_per_s(params: QueueReactiveParams) -> float:
    """Return how often the reference price moves when it always follows and the book is always drawn anew.

    Both first queues begin in their stationary law; the mean time until one of them is used up solves a linear system.
    """
    grows, shrinks = rates(params, 0)
    n = MOST + 1
    matrix = lil_matrix((n * n, n * n))
    for b in range(n):
        for a in range(n):
            for size, row in ((b, (lambda m, a=a: m * n + a)), (a, (lambda m, b=b: b * n + m))):
                if size < MOST:
                    matrix[b * n + a, b * n + a] += grows[size]
                    matrix[b * n + a, row(size + 1)] -= grows[size]
                if size > 0:
                    matrix[b * n + a, b * n + a] += shrinks[size]
                if size > 1:
                    matrix[b * n + a, row(size - 1)] -= shrinks[size]
    times = spsolve(matrix.tocsr(), np.ones(n * n)).reshape(n, n)
    pi = law(params, 0)
    return 1 / float(pi @ times @ pi)


def moves(seconds: float, seed: int) -> int:
    """Return how often the book was drawn anew, which the flow does by one mass cancel."""
    orders = alone(queue_reactive, flow(1, 1), seconds, seed, BID, orders=True).orders
    return int((orders["kind"] == Kind.CANCEL_OWNER).sum())


def report(full: bool) -> list[Section]:
    """Measure the laws over eight runs of 100,000 s when ``full``, else 10,000 s, and the moves over as long."""
    seconds, seeds = (100_000.0, range(8)) if full else (10_000.0, range(8))
    params = flow(0, 0)
    measured, errors = laws(seconds, seeds)
    rows = [
        (queue + 1, n, *(round(float(x[queue, n]), 5) for x in (measured, errors)), round(float(exact[n]), 5))
        for queue in range(3)
        for exact in [law(params, queue)]
        for n in range(MOST + 1)
        if exact[n] > 0.002
    ]
    chart = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [{"queue": f"queue {q}", "orders": n, "measured": m, "exact": e} for q, n, m, _, e in rows]},
        "facet": {"field": "queue", "title": None},
        "spec": {
            "width": 200,
            "encoding": {"x": {"field": "orders", "type": "quantitative"}},
            "layer": [
                {"mark": "line", "encoding": {"y": {"field": "exact", "type": "quantitative", "title": "share of time"}}},
                {"mark": "point", "encoding": {"y": {"field": "measured", "type": "quantitative"}}},
            ],
        },
    }
    columns = ("queue", "orders", "measured", "error", "exact")
    text = "Share of time with n orders in the buyers' queues, and π(n) ∝ ∏ λ_L(j − 1) / (λ_C(j) + λ_M(j))."
    sections = [Section("Queue-reactive market: stationary laws", text, columns, rows, chart)]
    counts = np.array([moves(seconds, seed) for seed in seeds]) / seconds
    row = tuple(round(x, 5) for x in (float(counts.mean()), float(counts.std(ddof=1)) / math.sqrt(len(seeds)), exact_moves_per_s(params)))
    text = "How often a first queue is used up when the book is then drawn anew from its stationary law."
    sections.append(Section("Queue-reactive market: moves of the reference price", text, ("measured, 1/s", "error", "exact"), [row], None))
    return sections
