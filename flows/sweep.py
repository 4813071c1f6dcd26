"""A parameter sweep: every combination is a trial, the best one is published with the table of all of them.

``python -m flows.sweep [CONFIG]`` runs it here and now.
"""

from __future__ import annotations

import sys

from prefect import flow

from flows.command import run_from_command_line
from flows.forms import SweepForm
from flows.pipeline import checked, wire
from tasks.references import Outcome

AS_SHIPPED = SweepForm()


@flow(name="parameter-sweep", flow_run_name="{run.label}", timeout_seconds=12 * 3600)
def parameter_sweep(run: SweepForm = AS_SHIPPED) -> Outcome:
    """Try every combination on the same validated bars, side by side, and publish one run: the best, and all trials."""
    return checked(wire(run.request()))


if __name__ == "__main__":
    sys.exit(run_from_command_line(parameter_sweep, SweepForm))
