"""Inner functions never become machine code of their own, and yet whoever calls them, one of ours or a stranger's, gets all they call."""

from __future__ import annotations

import numba
import pytest

from marketsim.kernel.compile import entry, inner


@inner
def lowest(x):
    return abs(x) + 1


@inner
def middle(x):
    return 2 * lowest(x) + max(x, 3)


@inner
def top(x):
    return middle(x) - lowest(x)


def test_an_entry_point_links_what_it_calls_directly_and_indirectly():
    @entry
    def both(x):
        return top(x) + middle(x)

    assert both(-4) == (2 * 5 + 3 - 5) + (2 * 5 + 3)


def test_an_ordinary_numba_function_may_call_inner_code_that_an_entry_point_has_compiled():
    @entry
    def ours(x):
        return top(x)

    @numba.njit
    def theirs(x):
        return top(x) + 1

    assert (ours(7), theirs(7)) == (2 * 8 + 7 - 8, 2 * 8 + 7 - 8 + 1)


@pytest.mark.parametrize("first", ["entry", "ordinary"])
def test_entry_points_and_ordinary_functions_call_one_another_in_either_order(first):
    @numba.njit
    def helper(x):
        return middle(x)

    if first == "ordinary":
        assert helper(1) == 2 * 2 + 3

    @entry
    def ours(x):
        return helper(x) + lowest(x)

    assert ours(1) == 2 * 2 + 3 + 2
    assert helper(1) == 2 * 2 + 3
