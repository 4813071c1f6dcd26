"""Calendar months and years of session dates."""

from __future__ import annotations

import numpy as np

from marketsim.risk.observations import IntArray


def month_number(session: IntArray) -> IntArray:
    """Return months since January 1970 of session dates in days since 1970-01-01, (n,) int64."""
    return session.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def year_number(session: IntArray) -> IntArray:
    """Return the calendar year of session dates in days since 1970-01-01, (n,) int64."""
    return session.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
