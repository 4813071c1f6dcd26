"""Settings every test shares: no clock-dependent Hypothesis deadlines."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile("repeatable", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")

SHARED_DATA = Path(os.environ.get("MARKETSIM_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
