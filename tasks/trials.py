"""Trials: what a sweep or a walk-forward tries between validating and simulating, in batches that can run side by side."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from marketsim.trial_scores import run_trial
from marketsim.trials import Choice, Trial, TrialResult, choose, plan
from tasks.references import Reference, RunRef
from tasks.staged import Progress, base_dir_of, finished, read_clean, recorded_of, silent, spec_of
from warehouse.durable import write_atomic
from warehouse.errors import explained
from warehouse.staging import Staging

STEP = "trials"
MOST_BATCHES = 64


class TrialBatch(Reference):
    """Trials that one task makes."""

    run_id: str
    number: int
    n_trials: int
    trials: tuple[Trial, ...]


class TrialScores(Reference):
    """What a batch of trials earned."""

    results: tuple[TrialResult, ...]


class ChoiceRef(Reference):
    """How many trials were made and which were chosen."""

    run_id: str
    n_trials: int
    chosen: tuple[int, ...]


def plan_trials(run: RunRef, root: Path) -> tuple[TrialBatch, ...]:
    """Return the trials of a validated run, in at most `MOST_BATCHES` batches; none where they are finished already."""
    staging = Staging(root, run.run_id)
    if not run.has_trials or finished(staging, STEP, ChoiceRef) is not None:
        return ()
    planned = plan(spec_of(staging), read_clean(staging))
    size = math.ceil(len(planned) / MOST_BATCHES)
    starts = range(0, len(planned), size)
    return tuple(
        TrialBatch(run_id=run.run_id, number=n, n_trials=len(planned), trials=planned[at : at + size]) for n, at in enumerate(starts)
    )


def score_trials(batch: TrialBatch, root: Path, progress: Progress = silent) -> TrialScores:
    """Simulate a batch of trials in memory; nothing is written."""
    staging = Staging(root, batch.run_id)
    spec, bars, base_dir = spec_of(staging), read_clean(staging), base_dir_of(staging)
    recorded = recorded_of(staging, spec)
    results = tuple(run_trial(spec, bars, trial, base_dir, recorded) for trial in batch.trials)
    progress(f"number {results[-1].trial.number + 1} of {batch.n_trials} is scored")
    return TrialScores(results=results)


def choose_trials(run: RunRef, scores: Sequence[TrialScores], root: Path, progress: Progress = silent) -> ChoiceRef:
    """Choose among all trials and keep the choice for `simulate`; a choice made before is kept."""
    staging = Staging(root, run.run_id)
    if (before := finished(staging, STEP, ChoiceRef)) is not None:
        progress("trials are finished already")
        return before
    choice = choose(spec_of(staging), [result for score in scores for result in score.results])
    write_atomic(_choice_path(staging), choice.model_dump_json().encode())
    reference = ChoiceRef(run_id=run.run_id, n_trials=len(choice.results), chosen=choice.chosen)
    chosen = [json.dumps(choice.results[number].trial.parameters) for number in choice.chosen]
    told = chosen[0] if len(chosen) == 1 else f"{len(set(chosen))} different ones in {len(chosen)} windows"
    progress(f"{reference.n_trials} trials made; chosen: {told}")
    staging.mark(STEP, {"reference": reference.model_dump(mode="json")})
    return reference


def read_choice(staging: Staging) -> Choice:
    """Return the choice that `choose_trials` kept."""
    path = _choice_path(staging)
    with explained(f"read the choice among the trials of run {staging.run_id}", path):
        return Choice.model_validate_json(path.read_bytes())


def _choice_path(staging: Staging) -> Path:
    return staging.folder / "work" / "choice.json"
