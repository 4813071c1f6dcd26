"""The Hawkes flow beside its theory: mean rates, Fano factors of counts, and residuals of the compensator.

Everything here is computed from the times at which the exchange got the messages; nothing is asked of the agent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from marketsim.agents.background.hawkes_flow import EVENTS, N_EVENTS, HawkesFlowParams, hawkes_flow
from marketsim.records import Kind
from tests.published.runs import NS, alone
from tests.published.section import Section

Numbers = npt.NDArray[np.float64]
UNIVARIATE = ((1.0, 0.5, 2.0), (0.5, 0.8, 5.0), (0.2, 0.9, 10.0))  # mu, n, beta
WINDOWS_S = (1.0, 10.0, 100.0)


def event_times(params: HawkesFlowParams, seconds: float, seed: int) -> list[Numbers]:
    """Return the (n_i,) times in seconds of each kind of event, from the messages the exchange got; opening orders are left out."""
    orders = alone(hawkes_flow, params, seconds, seed, orders=True).orders
    orders = orders[orders["owner_id"] > 0][2 * params.opening_orders :]  # nobody owns the clock's messages
    new = orders["kind"] == Kind.LIMIT
    sides = np.zeros(int(orders["order_id"].max()) + 1, np.int64)
    sides[: 2 * params.opening_orders] = np.tile([1, -1], params.opening_orders)
    sides[orders["order_id"][new]] = orders["side"][new]
    side = np.where(orders["kind"] == Kind.CANCEL, sides[orders["order_id"]], orders["side"])
    kind = np.where(new, 0, np.where(orders["kind"] == Kind.CANCEL, 1, 2))
    which = 2 * kind + (side < 0)
    return [orders["time_ns"][which == i] * NS for i in range(N_EVENTS)]


def univariate(mu: float, n: float, beta: float) -> HawkesFlowParams:
    """Return a flow of limit buys alone, so that nothing trades and orders only expire."""
    branching = np.zeros(N_EVENTS**2)
    branching[0] = n
    return HawkesFlowParams(
        base_rate_per_s=(mu, 0, 0, 0, 0, 0), branching=tuple(branching), decay_per_s=beta, opening_orders=0, order_life_s=0, order_lot=1
    )


def exact_fano(n: float, beta: float, window_s: float) -> float:
    """Return the variance over the mean of the count in a window (Hawkes 1971): the covariance density decays at beta (1 - n)."""
    k, square = beta * (1 - n), 1 / (1 - n) ** 2
    return square + (1 - square) * -math.expm1(-k * window_s) / (k * window_s)


def fano(times: Numbers, seconds: float, window_s: float) -> float:
    """Return the variance over the mean of the counts in successive windows."""
    counts = np.histogram(times, np.arange(0, seconds + window_s / 2, window_s))[0]
    return float(counts.var(ddof=1) / counts.mean())


def univariate_runs(mu: float, n: float, beta: float, seconds: float, seeds: range) -> Numbers:
    """Return (n_seeds, 4): the rate in 1/s and the Fano factors of 1, 10 and 100 s; the first 100 s do not count."""
    out = []
    for seed in seeds:
        times = event_times(univariate(mu, n, beta), seconds + 100, seed)[0] - 100
        times = times[times >= 0]
        out.append([len(times) / seconds, *(fano(times, seconds, window) for window in WINDOWS_S)])
    return np.array(out)


def mean_rates(params: HawkesFlowParams) -> Numbers:
    """Return (I - N)^-1 mu, 1/s."""
    branching = np.reshape(params.branching, (N_EVENTS, N_EVENTS))
    return np.linalg.solve(np.eye(N_EVENTS) - branching, np.array(params.base_rate_per_s))


def count_errors(params: HawkesFlowParams, seconds: float) -> Numbers:
    """Return the standard deviation of each event's rate over a long time.

    The covariance of the counts in a second is (I - N)^-1 diag(rates) (I - N)^-T.
    """
    spread = np.linalg.inv(np.eye(N_EVENTS) - np.reshape(params.branching, (N_EVENTS, N_EVENTS)))
    return np.sqrt(np.diag(spread @ np.diag(mean_rates(params)) @ spread.T) / seconds)


def area_until(params: HawkesFlowParams) -> Callable[[Numbers], Numbers]:
    """Return the area of the kernel from 0 to an age in seconds: the true power law, whatever the flow approximates it with."""
    if params.kernel == "exponential":
        return lambda age: -np.expm1(-params.decay_per_s * age)
    return lambda age: 1 - (1 + age / params.power_law_start_s) ** -params.power_law_tail


def residuals(params: HawkesFlowParams, times: list[Numbers]) -> list[Numbers]:
    """Return, for each kind of event, what its intensity integrates to between its events: unit exponentials if the model is right.

    Every pair of events is gone through (random time change: Papangelou 1972), so keep them to some ten thousand.
    """
    area, branching = area_until(params), np.reshape(params.branching, (N_EVENTS, N_EVENTS))
    out = []
    for i in range(N_EVENTS):
        integral = params.base_rate_per_s[i] * times[i]
        for j in range(N_EVENTS):
            if branching[i, j] > 0:
                for k, at in enumerate(times[i]):
                    before = times[j][: np.searchsorted(times[j], at)]
                    integral[k] += branching[i, j] * area(at - before).sum()
        out.append(np.diff(integral, prepend=0.0))
    return out


def crowded_flow(kernel: str) -> HawkesFlowParams:
    """Return a flow with orders enough that no cancel ever comes in vain and both sides always have a price."""
    return HawkesFlowParams(kernel=kernel, opening_orders=2000, order_life_s=0, order_lot=1)


def report(full: bool) -> list[Section]:
    """Measure Fano factors over 1,000,000 s when ``full`` (else 80,000 s), rates over 200,000 s (20,000), residuals over 2,000 s (500)."""
    seconds, n_seeds = (125_000.0, 8) if full else (10_000.0, 8)
    rows: list[tuple[Any, ...]] = []
    for mu, n, beta in UNIVARIATE:
        runs = univariate_runs(mu, n, beta, seconds, range(n_seeds))
        exact = [mu / (1 - n), *(exact_fano(n, beta, window) for window in WINDOWS_S)]
        for k, what in enumerate(("rate, 1/s", "Fano 1 s", "Fano 10 s", "Fano 100 s")):
            error = float(runs[:, k].std(ddof=1)) / math.sqrt(n_seeds)
            rows.append((f"μ {mu}, n {n}, β {beta}", what, *(round(float(x), 4) for x in (runs[:, k].mean(), error, exact[k]))))
    sections = [
        Section("Hawkes flow: rates and Fano factors", "One kind of event.", ("flow", "figure", "measured", "error", "exact"), rows, None)
    ]
    seconds, n_seeds = (25_000.0, 8) if full else (5_000.0, 4)
    rows = []
    for kernel in ("exponential", "power_law"):
        params = crowded_flow(kernel)
        measured = np.mean([[len(times) / seconds for times in event_times(params, seconds, seed)] for seed in range(n_seeds)], axis=0)
        errors, exact_rates = count_errors(params, n_seeds * seconds), mean_rates(params)
        rows += [(kernel, name, *(round(float(x), 4) for x in (measured[i], errors[i], exact_rates[i]))) for i, name in enumerate(EVENTS)]
    text = "Six kinds of event that excite one another; exact is (I − N)⁻¹ μ."
    sections.append(Section("Hawkes flow: mean rates", text, ("kernel", "event", "measured", "error", "exact"), rows, None))
    seconds = 2_000.0 if full else 500.0
    rows = []
    for kernel in ("exponential", "power_law"):
        params = crowded_flow(kernel)
        for name, steps in zip(EVENTS, residuals(params, event_times(params, seconds, 2)), strict=True):
            test = stats.kstest(steps, "expon")
            rows.append((kernel, name, len(steps), round(float(steps.mean()), 3), round(float(test.pvalue), 3)))
    text = "The integral of each intensity between successive events is a unit exponential; p is that of Kolmogorov and Smirnov's test."
    columns = ("kernel", "event", "events", "mean residual", "p")
    return [*sections, Section("Hawkes flow: residuals of the compensator", text, columns, rows, None)]
