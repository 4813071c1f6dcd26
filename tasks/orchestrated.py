"""The steps as Prefect tasks: the same functions, with the policies of `tasks.policy`, progress in the run's log, and artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import task
from prefect.logging import get_run_logger

from tasks import policy
from tasks.artifacts import show_findings, show_outcome
from tasks.console import paced
from tasks.ingest import ingest
from tasks.publish import publish
from tasks.references import Outcome, ReportRef, RunRef, RunRequest, SimulationRef, ValidationRef
from tasks.report import report
from tasks.simulate import simulate
from tasks.staged import Progress
from tasks.trials import ChoiceRef, TrialBatch, TrialScores, choose_trials, plan_trials, score_trials
from tasks.validate import validate
from warehouse import reader
from warehouse.staging import Staging

# Marks the log records that the console of a run started by hand shows.
PROGRESS = "marketsim_progress"


def progress(stage: str) -> Progress:
    """Return a progress that writes to the log of the task or flow that is running."""
    logger = get_run_logger()
    return paced(lambda sentence: logger.info("%s: %s", stage, sentence, extra={PROGRESS: True}))


@task(
    name="ingest",
    task_run_name="ingest {request.config.stem}",
    tags=[policy.TAG],
    retries=policy.INGEST_RETRIES,
    retry_delay_seconds=policy.INGEST_BACKOFF,
    retry_jitter_factor=policy.INGEST_JITTER,
    retry_condition_fn=policy.may_pass,
    timeout_seconds=policy.INGEST_TIMEOUT_S,
    cache_policy=policy.ALWAYS,
)
def ingest_run(request: RunRequest, root: Path) -> RunRef:
    """Read the configuration, fetch its bars and open the run's staging folder."""
    return ingest(request, root, progress("ingest"))


@task(
    name="validate",
    task_run_name="validate {run.run_id}",
    tags=[policy.TAG],
    timeout_seconds=policy.STEP_TIMEOUT_S,
    cache_policy=policy.RESUME,
    persist_result=True,
)
def validate_run(run: RunRef, root: Path) -> ValidationRef:
    """Check the bars; critical findings stop the run before anything is published."""
    reference = validate(run, root, progress("validate"))
    show_findings(run.name, reference, Staging(root, run.run_id).read_table("findings"))
    return reference


@task(name="plan trials", task_run_name="plan trials {run.run_id}", tags=[policy.TAG], cache_policy=policy.ALWAYS)
def plan_run_trials(run: RunRef, root: Path) -> tuple[TrialBatch, ...]:
    """Divide the trials of a sweep or walk-forward into batches."""
    return plan_trials(run, root)


@task(
    name="score trials",
    task_run_name="score trials {batch.run_id} #{batch.number}",
    tags=[policy.TAG, "trials"],
    cache_policy=policy.PURE,
    persist_result=True,
)
def score_run_trials(batch: TrialBatch, root: Path) -> TrialScores:
    """Simulate a batch of trials in memory."""
    return score_trials(batch, root, progress("trials"))


@task(name="choose trials", task_run_name="choose trials {run.run_id}", tags=[policy.TAG], cache_policy=policy.ALWAYS)
def choose_run_trials(run: RunRef, scores: Sequence[TrialScores], root: Path) -> ChoiceRef:
    """Choose the best trial of each window."""
    return choose_trials(run, scores, root, progress("trials"))


@task(
    name="simulate",
    task_run_name="simulate {run.run_id}",
    tags=[policy.TAG],
    timeout_seconds=policy.STEP_TIMEOUT_S,
    cache_policy=policy.RESUME,
    persist_result=True,
)
def simulate_run(run: RunRef, root: Path) -> SimulationRef:
    """Trade the clean bars."""
    return simulate(run, root, progress("simulate"))


@task(
    name="report",
    task_run_name="report {run.run_id}",
    tags=[policy.TAG],
    timeout_seconds=policy.STEP_TIMEOUT_S,
    cache_policy=policy.RESUME,
    persist_result=True,
)
def report_run(run: RunRef, root: Path) -> ReportRef:
    """Measure every account and write the tear sheet."""
    return report(run, root, progress("report"))


@task(
    name="publish",
    task_run_name="publish {run.run_id}",
    tags=[policy.TAG],
    timeout_seconds=policy.STEP_TIMEOUT_S,
    cache_policy=policy.ALWAYS,
)
def publish_run(run: RunRef, root: Path, timings_s: dict[str, float]) -> Outcome:
    """Commit the run to the warehouse and show it as artifacts."""
    outcome = publish(run, root, timings_s, progress("publish"))
    show_outcome(outcome, reader.metrics(root, run.run_id), reader.table(root, run.run_id, "market_bars"))
    return outcome
