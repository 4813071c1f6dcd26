"""A running digest of the tape: the same whichever way the messages were cut into calls."""

from __future__ import annotations

from marketsim.kernel.compile import entry
from marketsim.kernel.memory import load_i64

SPREAD = -7046029254386353131  # 2**64 divided by the golden ratio


@entry
def extend_digest(digest, address, n_words):
    """Return the digest after ``n_words`` more words of eight bytes; not meant to withstand an adversary."""
    for k in range(n_words):
        digest = (digest ^ load_i64(address, k)) * SPREAD
        digest ^= (digest >> 29) & 0x7FFFFFFFF
    return digest
