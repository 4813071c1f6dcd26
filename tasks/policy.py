"""How the steps are retried, timed out and cached: every policy of the pipeline in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect.cache_policies import INPUTS, NO_CACHE, RUN_ID, TASK_SOURCE, CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.tasks import Task, exponential_backoff

from marketsim.errors import ProviderError
from warehouse.staging import Staging

TAG = "marketsim"

# Waits of 10, 20 and 40 seconds, each up to half as long again, so that deployments do not knock in step.
INGEST_RETRIES = 3
INGEST_BACKOFF = exponential_backoff(10)
INGEST_JITTER = 0.5

# Far above what a large run needs; they end what hangs, such as a provider that never closes its answer.
INGEST_TIMEOUT_S = 3600
STEP_TIMEOUT_S = 7200


def may_pass(_task: Task[..., Any], _task_run: TaskRun, state: State[Any]) -> bool:
    """Whether waiting may help: a provider said so. A wrong configuration, bad data or a faulty strategy stays what it is."""
    fault = state.result(raise_on_failure=False)
    return isinstance(fault, ProviderError) and fault.retryable


@dataclass
class _SameStaging(CachePolicy):
    """A key that changes when the run's staging folder is begun anew, so no reference outlives what it refers to."""

    def compute_key(self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any) -> str | None:
        """Return when the folder's input was staged."""
        mark = Staging(inputs["root"], inputs["run"].run_id).folder / "steps" / "ingest.json"
        return str(mark.stat().st_mtime_ns) if mark.is_file() else "nothing is staged"


# Within one flow run, however often it is rescheduled: a finished step is not entered again.
RESUME = INPUTS + TASK_SOURCE + RUN_ID + _SameStaging()
# What a trial earned depends on its inputs alone; the run's id among them stands for configuration, data and code.
PURE = INPUTS + TASK_SOURCE
# Ingest asks for the newest data and publish for the newest catalog; both find out for themselves what is done already.
ALWAYS = NO_CACHE
