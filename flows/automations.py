"""Automations of the Prefect server, kept as code and laid down again each time the server is set up."""

from __future__ import annotations

import json
from datetime import timedelta

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

LOST_RUN = "marketsim: a run without a heartbeat is marked crashed"
MISSED_AFTER = timedelta(seconds=120)


def lost_run() -> AutomationCore:
    """Return the automation that crashes a run whose process and worker both died.

    Such a run stays Running for ever otherwise and holds its deployment's only slot, so no later night would start.
    Runs beat every 30 seconds (flows.settings); four beats missed, with no final state in between, count as lost.
    """
    return AutomationCore(
        name=LOST_RUN,
        description="Frees the slot of a run whose process vanished; rescheduling the run resumes it where it stopped.",
        enabled=True,
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.TimedOut",
                "prefect.flow-run.Cancelled",
                "prefect.flow-run.Crashed",
            },
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=MISSED_AFTER,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="No heartbeat for two minutes: its process is gone.")],
    )


async def ensure_automations(client: PrefectClient) -> None:
    """Create our automations, or renew them where they differ; running it again changes nothing.

    An automation that is right is left alone: renewing it would make the server forget the heartbeats it is waiting for,
    and a run that was lost while the server was down would never be noticed.
    """
    wanted = lost_run()
    present = await client.read_automations_by_name(wanted.name)
    for surplus in [automation for automation in present if not _same(automation, wanted)]:
        await client.delete_automation(surplus.id)
    if not any(_same(automation, wanted) for automation in present):
        await client.create_automation(wanted)


def _same(present: AutomationCore, wanted: AutomationCore) -> bool:
    """Whether two automations do the same, whatever their ids and the order of what they expect."""

    def essence(automation: AutomationCore) -> str:
        data = automation.model_dump(mode="json", include={"name", "enabled", "trigger", "actions"})
        trigger = {key: sorted(value) if isinstance(value, list) else value for key, value in data["trigger"].items() if key != "id"}
        return json.dumps({**data, "trigger": trigger}, sort_keys=True)

    return essence(present) == essence(wanted)
