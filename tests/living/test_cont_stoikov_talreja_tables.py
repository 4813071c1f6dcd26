"""The exchange driven by Cont, Stoikov and Talreja's order flow answers as their tables say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tests.published import cont_stoikov_talreja as cst
from tests.published import cont_stoikov_talreja_exact as exact

N_EPISODES = 1_500
EXACT = {"mid_up": exact.exact_mid_up, "bid_filled": exact.exact_filled, "both_filled": exact.exact_both_filled}


@pytest.mark.parametrize("question", EXACT)
def test_every_cell_of_tables_3_4_and_5_within_four_standard_errors(question: cst.Question) -> None:
    chances = EXACT[question]()
    z = cst.scores(cst.table(question, N_EPISODES, seed=2010), chances, N_EPISODES)
    assert np.abs(z).max() < 4
    assert np.square(z).sum() < stats.chi2.ppf(0.9999, 25)


def test_printed_tables_3_and_5_are_the_exact_chances() -> None:
    np.testing.assert_allclose(exact.exact_mid_up(), cst.TABLE_3, atol=9e-4)
    np.testing.assert_allclose(exact.exact_both_filled(), cst.TABLE_5, atol=6e-4)


def test_printed_table_4_is_one_less_the_chance_of_the_ask_order() -> None:
    """Printed is 1 - P(eps_a < sigma_b), not proposition 5's P(eps_b < sigma_a), which is up to 0.21 higher."""
    np.testing.assert_allclose(1 - exact.exact_filled("ask"), cst.TABLE_4, atol=5e-4)
    assert np.abs(exact.exact_filled("bid") - cst.TABLE_4).max() > 0.2


@pytest.mark.parametrize(("distance_tick", "n_queue"), [(1, 1), (1, 4), (2, 2), (3, 3), (5, 1)])
def test_next_change_of_a_queue_is_an_order_with_the_chance_of_section_4_1(distance_tick: int, n_queue: int) -> None:
    counted, grew = cst.one_step(N_EPISODES, 41, distance_tick, n_queue)
    chance = exact.exact_one_step(distance_tick, n_queue)
    assert counted > 0.95 * N_EPISODES
    assert abs(grew - counted * chance) < 4 * np.sqrt(counted * chance * (1 - chance))
