"""Retention: forget old flow runs, abandoned staging folders and old catalog versions; published runs are never touched."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from prefect import flow, get_client, task
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterEndTime, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH
from pydantic import BaseModel, ConfigDict, Field

from tasks import policy
from warehouse import settings
from warehouse.maintenance import compact

BATCH = 200


class RetentionForm(BaseModel):
    """What is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flow_run_days: int = Field(30, ge=1, description="Finished flow runs, with their logs and artifacts, are kept so many days.")
    staging_days: int = Field(7, ge=1, description="Staging folders and task results untouched for so many days are abandoned.")
    catalog_versions: int = Field(30, ge=1, description="Newest catalog versions that stay readable; published runs always do.")


AS_SHIPPED = RetentionForm()


@flow(name="retention", timeout_seconds=3600)
def retention(keep: RetentionForm = AS_SHIPPED) -> dict[str, int]:
    """Delete what nobody will ask for again, and say how much it was."""
    deleted = {"flow runs": forget_flow_runs(keep.flow_run_days), "task results": clear_results(keep.staging_days)}
    deleted |= compact_warehouse(keep.catalog_versions, keep.staging_days)
    get_run_logger().info("deleted: %s", ", ".join(f"{count} {what}" for what, count in deleted.items()))
    return deleted


@task(tags=[policy.TAG], retries=2, retry_delay_seconds=30, cache_policy=policy.ALWAYS)
def forget_flow_runs(days: int) -> int:
    """Delete flow runs that ended long ago; Prefect itself keeps them for ever."""
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    old = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(TERMINAL_STATES))), end_time=FlowRunFilterEndTime(before_=before)
    )
    n_deleted = 0
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(flow_run_filter=old, limit=BATCH):
            for run in runs:
                client.delete_flow_run(run.id)
            n_deleted += len(runs)
    return n_deleted


@task(tags=[policy.TAG], cache_policy=policy.ALWAYS)
def clear_results(days: int) -> int:
    """Delete the references that tasks of old flow runs left for resuming."""
    oldest = time.time() - days * 86_400
    results = (path for path in Path(PREFECT_LOCAL_STORAGE_PATH.value()).glob("*") if path.is_file())
    doomed = [path for path in results if path.stat().st_mtime < oldest]
    for path in doomed:
        path.unlink()
    return len(doomed)


@task(tags=[policy.TAG], cache_policy=policy.ALWAYS)
def compact_warehouse(keep_versions: int, stale_days: int) -> dict[str, int]:
    """Delete old catalog versions and abandoned staging folders; no published row is lost, only time travel ends there."""
    done = compact(settings.root().resolve(), keep_versions=keep_versions, stale_days=stale_days)
    return {
        "catalog versions": len(done.versions),
        "staging folders": len(done.stale),
        "leftovers": len(done.leftovers),
        "bytes": done.n_bytes_freed,
    }
