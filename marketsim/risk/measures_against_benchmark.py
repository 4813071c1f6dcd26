"""Measures of an account against the run's benchmark."""

from __future__ import annotations

from marketsim.risk import benchmark
from marketsim.risk.measure import Measure

AGAINST_BENCHMARK = (
    Measure(
        "alpha",
        "Alpha",
        "Against the benchmark",
        "fraction",
        "higher",
        "(mean(r − r_f) − β · mean(b − r_f)) · P",
        "Jensen 1968, eq. 8",
        lambda a: benchmark.alpha(a.returns, a.benchmark, a.clock.periods_per_year, a.clock.risk_free),
    ),
    Measure(
        "beta",
        "Beta",
        "Against the benchmark",
        "ratio",
        "neither",
        "cov(r, b) / var(b)",
        "Sharpe 1964",
        lambda a: benchmark.beta(a.returns, a.benchmark),
    ),
    Measure(
        "correlation",
        "Correlation",
        "Against the benchmark",
        "ratio",
        "neither",
        "Pearson correlation of bar returns",
        "",
        lambda a: benchmark.correlation(a.returns, a.benchmark),
    ),
    Measure(
        "tracking_error",
        "Tracking error",
        "Against the benchmark",
        "fraction",
        "lower",
        "s(r − b) · √P",
        "Grinold & Kahn 2000, ch. 4",
        lambda a: benchmark.tracking_error(a.returns, a.benchmark, a.clock.periods_per_year),
    ),
    Measure(
        "information_ratio",
        "Information ratio",
        "Against the benchmark",
        "ratio",
        "higher",
        "mean(r − b) · P / tracking error",
        "Goodwin 1998, eqs. 1–4",
        lambda a: benchmark.information_ratio(a.returns, a.benchmark, a.clock.periods_per_year),
    ),
)
