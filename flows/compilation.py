"""Compiling what a run's simulated market needs in a process of its own, while the server starts and the data are fetched.

``python -m flows.compilation CONFIG`` is that process. The run waits where it needs a function that is still being compiled.
"""

from __future__ import annotations

import atexit
import datetime as dt
import os
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from flows.processes import start
from flows.settings import PROJECT
from marketsim.agents.strategies.buy_and_hold import BuyAndHoldParams
from marketsim.config.file import load_spec
from marketsim.config.run import RunSpec
from marketsim.config.simulated import Hours, Phases, SimulatedMarket
from marketsim.errors import MarketsimError
from marketsim.kernel.compile import CACHE_FOLDER, is_compiled
from marketsim.markets.simulated.fundamentals import ConstantFundamental
from marketsim.simulate import simulate


def simulated_market(spec: RunSpec) -> SimulatedMarket | None:
    """Return the simulated market of a run, be it its own or that of its simulated sessions."""
    if isinstance(spec.market, SimulatedMarket):
        return spec.market
    return None if spec.simulated_sessions is None else spec.simulated_sessions.market


def compile_meanwhile(config: Path, spec: RunSpec) -> bool:
    """Start compiling in another process where the run needs it and the code could be kept; return whether it does.

    What goes wrong there is no fault of the run, which then compiles for itself.
    """
    if simulated_market(spec) is None or CACHE_FOLDER is None or is_compiled("exchange_loop"):
        return False
    command = [sys.executable, "-m", "flows.compilation", str(config)]
    program = start("The compilation", command, PROJECT, os.environ, quiet=True)
    atexit.register(program.stop)
    return True


def smallest(spec: RunSpec, market: SimulatedMarket) -> RunSpec:
    """Return a run of ten minutes with one agent of each group and one strategy: all that has to be compiled, and hardly any time."""
    small = market.model_copy(
        update={
            "population": {name: group.model_copy(update={"count": 1}) for name, group in market.population.items()},
            "hours": Hours(open="10:00", close="10:10"),
            "phases": Phases(),
            "sessions": None,
            "fundamental": ConstantFundamental(),
            "fundamentals": {},
            "correlation": None,
            "news": [],
            "shocks": [],
        }
    )
    day = dt.date(2024, 1, 2)
    return RunSpec(name="compilation", horizon="intraday", symbols=spec.symbols, start=day, market=small, strategy=BuyAndHoldParams())


if __name__ == "__main__":
    wanted = load_spec(Path(sys.argv[1]))
    if (lived := simulated_market(wanted)) is not None:
        with suppress(MarketsimError):  # the run itself says what is wrong
            simulate(smallest(wanted, lived), pa.table({}), base_dir=Path(sys.argv[1]).parent)
