"""Recognising a split from the price alone."""

from __future__ import annotations

import math

import pytest

from marketsim.validation.series_checks import like_a_split


@pytest.mark.parametrize(("new", "old"), [(2, 1), (3, 1), (3, 2), (1, 10), (20, 1)])
def test_unrecorded_split_is_recognised_by_its_ratio(new: int, old: int):
    exact = math.log(old / new)
    assert like_a_split(exact + 0.02, exact - 0.05) == f"{new}-for-{old}"
    assert like_a_split(exact + 0.05, exact) == ""


def test_a_large_fall_that_is_no_split_is_not_called_one():
    # AAPL, 2000-09-29: closed at 53.50, opened at 28.19, closed at 25.75 after a profit warning.
    assert like_a_split(math.log(28.19 / 53.5), math.log(25.75 / 53.5)) == ""
