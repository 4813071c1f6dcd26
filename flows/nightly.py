"""The nightly backtest: ingest, validate, simulate, report, publish.

``python -m flows.nightly [CONFIG]`` runs it here and now, with a temporary Prefect server unless PREFECT_API_URL names one.
"""

from __future__ import annotations

import sys

from prefect import flow

from flows.command import run_from_command_line
from flows.forms import NightlyForm
from flows.pipeline import checked, wire
from tasks.references import Outcome

AS_SHIPPED = NightlyForm()


@flow(name="nightly-backtest", flow_run_name="{run.label}", timeout_seconds=4 * 3600)
def nightly_backtest(run: NightlyForm = AS_SHIPPED) -> Outcome:
    """Backtest yesterday's market: real bars in, a published run out; a run made before is found, not made again."""
    return checked(wire(run.request()))


if __name__ == "__main__":
    sys.exit(run_from_command_line(nightly_backtest, NightlyForm))
