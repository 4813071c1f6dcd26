"""The Hawkes flow has the rates, the clustering and the residuals of a Hawkes process."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from pydantic import ValidationError
from scipy import stats

from marketsim.agents.background.hawkes_flow import BRANCHING, EVENTS, N_EVENTS, STATE, HawkesFlowParams, _set_kernel, hawkes_flow
from marketsim.agents.compiled import parameter_records
from tests.published import hawkes


@pytest.mark.parametrize(("mu", "n", "beta"), hawkes.UNIVARIATE[:2])
def test_rate_and_fano_factors_of_one_kind_of_event(mu: float, n: float, beta: float) -> None:
    runs = hawkes.univariate_runs(mu, n, beta, 10_000, range(8))
    exact = [mu / (1 - n), *(hawkes.exact_fano(n, beta, window) for window in hawkes.WINDOWS_S)]
    errors = runs.std(axis=0, ddof=1) / np.sqrt(len(runs))
    assert (np.abs(runs.mean(axis=0) - exact) < 4.5 * errors).all()
    assert (errors < 0.08 * np.array(exact)).all()


def test_exact_fano_factors_are_those_computed_elsewhere() -> None:
    known = [[2.10, 3.70, 3.97], [9.83, 22.6, 24.8], [37.4, 90, 99]]
    ours = [[hawkes.exact_fano(n, beta, window) for window in hawkes.WINDOWS_S] for _, n, beta in hawkes.UNIVARIATE]
    np.testing.assert_allclose(ours, known, rtol=3e-3)


@pytest.mark.parametrize("kernel", ["exponential", "power_law"])
def test_mean_rates_of_six_kinds_that_excite_one_another(kernel: str) -> None:
    params, seconds = hawkes.crowded_flow(kernel), 5_000.0
    measured = np.array([len(times) for times in hawkes.event_times(params, seconds, 3)]) / seconds
    assert (np.abs(measured - hawkes.mean_rates(params)) < 4 * hawkes.count_errors(params, seconds)).all()


@pytest.mark.parametrize("kernel", ["exponential", "power_law"])
def test_residuals_of_the_compensator_are_unit_exponentials(kernel: str) -> None:
    params = hawkes.crowded_flow(kernel)
    steps = hawkes.residuals(params, hawkes.event_times(params, 500, 4))
    assert all(len(residual) > 80 for residual in steps)
    p_values = [stats.kstest(residual, "expon").pvalue for residual in steps]
    assert min(p_values) > 0.05 / (2 * len(EVENTS))
    assert stats.kstest(np.concatenate(steps), "expon").pvalue > 0.01


def test_residuals_of_a_wrong_model_are_found_out() -> None:
    params = hawkes.crowded_flow("exponential")
    wrong = params.model_copy(update={"branching": tuple(0.0 for _ in BRANCHING), "base_rate_per_s": tuple(hawkes.mean_rates(params))})
    steps = hawkes.residuals(wrong, hawkes.event_times(params, 500, 4))
    assert stats.kstest(np.concatenate(steps), "expon").pvalue < 1e-6


@njit  # type: ignore[untyped-decorator]
def set_kernel(p, state):  # type: ignore[no-untyped-def]
    _set_kernel(p[0], state[0])


@pytest.mark.parametrize(("start_s", "end_s", "tail"), [(0.001, 1_000.0, 0.3), (0.01, 1_000.0, 0.5), (0.0001, 100.0, 0.15)])
def test_sum_of_exponentials_follows_the_power_law_and_has_its_area(start_s: float, end_s: float, tail: float) -> None:
    params = HawkesFlowParams(kernel="power_law", power_law_start_s=start_s, power_law_end_s=end_s, power_law_tail=tail)
    state = np.zeros(1, STATE)
    set_kernel(parameter_records(hawkes_flow, [params]), state)
    decay, weight = state["decay_per_s"][0], state["weight"][0]
    age = np.geomspace(start_s / 100, end_s / 10, 400)
    ours = (weight * decay * np.exp(-np.outer(age, decay))).sum(axis=1)
    law = tail * start_s**tail * (age + start_s) ** (-1 - tail)
    assert weight.sum() == pytest.approx(1)
    # The area that lies beyond the end is spread over the rest.
    beyond = (1 + end_s / start_s) ** -tail
    np.testing.assert_allclose(ours * (1 - beyond), law, rtol=0.04)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"branching": tuple(np.eye(N_EVENTS).ravel())}, "spectral radius 1.000"),
        ({"branching": (-0.1, *BRANCHING[1:])}, "negative"),
        ({"base_rate_per_s": (0.0,) * N_EVENTS}, "nothing would ever happen"),
        ({"power_law_end_s": 0.0001}, "later than power_law_start_s"),
    ],
)
def test_impossible_parameters_are_refused_with_the_reason(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        HawkesFlowParams(**changes)  # type: ignore[arg-type]
