"""A long differential fuzz of the compiled exchange against the slow one: ``python -m tests.exchange.fuzz [MESSAGES] [SEED]``.

A failure is shrunk to the fewest messages that still show it and written to ``fuzz-failure-SEED.npz``; the exit code is then 1.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from flows_of_messages import MARKETS, RULES, first_difference, random_messages

from marketsim.venue_rules import VenueRules

DEFAULT_MESSAGES = 5_000_000
A_SEQUENCE = (30, 200, 1000, 3000)


def shrunk(messages: NDArray[np.void], rules: VenueRules | Sequence[VenueRules]) -> NDArray[np.void]:
    """Return the fewest messages found that still differ: halves, quarters, … are left out as long as the difference stays."""
    chunk = len(messages)
    while chunk >= 1:
        place = 0
        while place < len(messages):
            fewer = np.delete(messages, slice(place, place + chunk))
            if len(fewer) and first_difference(fewer, rules):
                messages = fewer
            else:
                place += chunk
        chunk //= 2
    return messages


def main(arguments: list[str]) -> int:
    """Compare until ``arguments[0]`` messages are through; return the exit code."""
    wanted = int(arguments[0]) if arguments else DEFAULT_MESSAGES
    seed = int(arguments[1]) if len(arguments) > 1 else secrets.randbits(32)
    print(f"seed {seed}, {wanted:,} messages", flush=True)
    rng = np.random.default_rng(seed)
    done = sequences = 0
    while done < wanted:
        n = int(rng.choice(A_SEQUENCE))
        choices = RULES if rng.random() < 0.6 else MARKETS
        rules = choices[int(rng.integers(len(choices)))]
        messages = random_messages(
            rng,
            n,
            width=int(rng.choice([1, 4, 20, 3000])),
            ids=int(rng.choice([8, 40, 200, 1000])),
            wide=bool(rng.random() < 0.25),
            phases=bool(rng.random() < 0.5),
            venues=1 if isinstance(rules, VenueRules) else len(rules),
        )
        if first_difference(messages, rules):
            messages = shrunk(messages, rules)
            path = Path(f"fuzz-failure-{seed}.npz")
            np.savez(path, messages=messages, rules=repr(rules))
            print(f"the exchanges differ; {len(messages)} messages in {path}, rules {RULES.index(rules)} of RULES")
            print(first_difference(messages, rules))
            return 1
        done += n
        sequences += 1
        if sequences % 200 == 0:
            print(f"{done:,} messages agree", flush=True)
    print(f"{done:,} messages in {sequences:,} sequences: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
