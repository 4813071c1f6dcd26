"""The compiled exchange against the slow one, on messages of every kind."""

from __future__ import annotations

import numpy as np
import pytest
from flows_of_messages import RULES, first_difference, random_messages
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("rules", RULES)
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.sampled_from([20, 100, 400]),
    width=st.sampled_from([1, 4, 30]),
    ids=st.sampled_from([8, 40, 200]),
    wide=st.booleans(),
    phases=st.booleans(),
)
def test_exchange_and_twin_write_the_same_tape(rules, seed, n, width, ids, wide, phases):
    messages = random_messages(np.random.default_rng(seed), n, width=width, ids=ids, wide=wide, phases=phases)
    assert first_difference(messages, rules) is None
