"""A walk-forward: choose on the past, trade what follows, roll on; the published account never saw its own future.

``python -m flows.walk_forward [CONFIG]`` runs it here and now.
"""

from __future__ import annotations

import sys

from prefect import flow

from flows.command import run_from_command_line
from flows.forms import WalkForwardForm
from flows.pipeline import checked, wire
from tasks.references import Outcome

AS_SHIPPED = WalkForwardForm()


@flow(name="walk-forward", flow_run_name="{run.label}", timeout_seconds=12 * 3600)
def walk_forward(run: WalkForwardForm = AS_SHIPPED) -> Outcome:
    """Score all trials of all windows side by side, choose in each, and publish the account that traded the choices."""
    return checked(wire(run.request()))


if __name__ == "__main__":
    sys.exit(run_from_command_line(walk_forward, WalkForwardForm))
