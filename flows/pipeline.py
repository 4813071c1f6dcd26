"""How the tasks hang together; the flows differ only in what they are asked for."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from prefect import unmapped
from prefect.artifacts import create_progress_artifact, update_progress_artifact

from flows.settings import task_runner
from marketsim.errors import RunFailed
from tasks.orchestrated import (
    choose_run_trials,
    ingest_run,
    plan_run_trials,
    publish_run,
    report_run,
    score_run_trials,
    simulate_run,
    validate_run,
)
from tasks.pipeline import Stopwatch
from tasks.publish import outcome_of
from tasks.references import Outcome, RunRequest
from warehouse import settings


def wire(request: RunRequest) -> Outcome:
    """Run the five steps as tasks, the trials of a sweep or walk-forward side by side.

    Raises
    ------
    MarketsimError, WarehouseError
        A step could not be done; nothing was published.
    """
    root, watch = settings.root().resolve(), Stopwatch()
    stages = f"{request.config.stem}: ingest, validate, simulate, report, publish"
    done = cast("UUID", create_progress_artifact(0.0, description=stages))
    with watch.stage("ingest"):
        run = ingest_run(request, root)
    if run.already_published:
        _reached(done, 100.0)
        return outcome_of(run.run_id, root, is_new=False, timings_s=watch.seconds)
    _reached(done, 20.0)
    with watch.stage("validate"):
        validate_run(run, root)
    _reached(done, 40.0)
    if run.has_trials:
        with watch.stage("trials"):
            batches = plan_run_trials(run, root)
            with task_runner() as runner:
                scores = runner.map(cast("Any", score_run_trials), {"batch": batches, "root": unmapped(root)}).result() if batches else []
            choose_run_trials(run, scores, root)
    with watch.stage("simulate"):
        simulate_run(run, root)
    _reached(done, 60.0)
    with watch.stage("report"):
        report_run(run, root)
    _reached(done, 80.0)
    with watch.stage("publish"):
        outcome = publish_run(run, root, watch.seconds)
    _reached(done, 100.0)
    return outcome.model_copy(update={"timings_s": watch.seconds})


def checked(outcome: Outcome) -> Outcome:
    """Return the outcome of a healthy run; a published run that failed a health gate ends its flow run as failed.

    Raises
    ------
    RunFailed
        With the reason.
    """
    if outcome.status == "failed":
        raise RunFailed(f"Run {outcome.run_id} was published, but failed: {outcome.reason}", run_id=outcome.run_id)
    return outcome


def _reached(artifact: UUID, percent: float) -> None:
    update_progress_artifact(artifact, percent)
