"""The five steps in a row, without Prefect: what `marketsim run` and `marketsim reproduce` call."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.ingest import ingest
from tasks.publish import outcome_of, publish
from tasks.references import Outcome, RunRef, RunRequest
from tasks.report import report
from tasks.simulate import simulate
from tasks.staged import Progress, silent
from tasks.trials import choose_trials, plan_trials, score_trials
from tasks.validate import validate


@dataclass(slots=True)
class Stopwatch:
    """Wall-clock seconds of each stage, in the order the stages ended."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block; stages of the same name add up."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)


def run_pipeline(request: RunRequest, root: Path, progress: Progress = silent) -> Outcome:
    """Run ingest, validate, simulate, report and publish; a run killed on the way goes on where it stopped.

    Parameters
    ----------
    request : which run.
    root : folder of the warehouse.
    progress : hears one sentence now and then, each beginning with the stage.

    Raises
    ------
    MarketsimError, WarehouseError
        One sentence for a person; nothing was published then.
    """
    root, watch = root.resolve(), Stopwatch()
    with watch.stage("ingest"):
        run = ingest(request, root, lambda sentence: progress(f"ingest: {sentence}"))
    if run.already_published:
        return outcome_of(run.run_id, root, is_new=False, timings_s=watch.seconds)
    return finish(run, root, progress, watch)


def finish(run: RunRef, root: Path, progress: Progress = silent, watch: Stopwatch | None = None) -> Outcome:
    """Take a run whose input is staged through the remaining steps; the arguments are those of `run_pipeline`."""
    watch = watch or Stopwatch()

    def say(stage: str) -> Progress:
        return lambda sentence: progress(f"{stage}: {sentence}")

    with watch.stage("validate"):
        validate(run, root, say("validate"))
    if run.has_trials:
        with watch.stage("trials"):
            scores = [score_trials(batch, root, say("trials")) for batch in plan_trials(run, root)]
            choose_trials(run, scores, root, say("trials"))
    with watch.stage("simulate"):
        simulate(run, root, say("simulate"))
    with watch.stage("report"):
        report(run, root, say("report"))
    with watch.stage("publish"):
        outcome = publish(run, root, progress=say("publish"))
    return outcome.model_copy(update={"timings_s": watch.seconds})
