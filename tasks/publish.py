"""Publish: commit the staged run to the warehouse in one step, and say how the run ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tasks.references import Outcome, RunRef
from tasks.report import FIGURES, PAGE
from tasks.staged import Progress, silent
from warehouse import reader
from warehouse.layout import Layout
from warehouse.publish import publish as publish_run


def publish(run: RunRef, root: Path, timings_s: Mapping[str, float] | None = None, progress: Progress = silent) -> Outcome:
    """Publish a staged run and return its outcome; a run that is published already is only looked up.

    Parameters
    ----------
    run : the run, staged completely or published.
    root : folder of the warehouse.
    timings_s : seconds of the stages before; handed on in the outcome.
    """
    publication = publish_run(root, run.run_id, progress=_by_stage(progress))
    progress(f"run {run.run_id} is catalog version {publication.catalog_version}" if publication.is_new else "published before")
    return outcome_of(run.run_id, root, is_new=publication.is_new, timings_s=timings_s)


def _by_stage(progress: Progress) -> Progress:
    """Return a progress that hears every file and says only when the work changes: verify, place, catalog, switch, tidy."""
    stage = ""

    def hear(sentence: str) -> None:
        nonlocal stage
        verb = sentence.partition(" ")[0]
        if verb != stage:
            stage = verb
            progress(verb)

    return hear


def outcome_of(run_id: str, root: Path, *, is_new: bool, timings_s: Mapping[str, float] | None = None) -> Outcome:
    """Return the outcome of a published run from what lies beside it."""
    manifest, folder = reader.manifest(root, run_id), Layout(root).run_folder(run_id)
    figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
    return Outcome(
        run_id=run_id,
        name=figures["name"],
        status=figures["status"],
        reason=figures["status_reason"],
        digest=manifest.digest,
        is_new=is_new,
        counts={file.table: file.n_rows for file in manifest.tables},
        timings_s=dict(timings_s or {}),
        folder=folder,
        report=folder / PAGE,
        metrics=folder / FIGURES,
        summary=figures["summary"],
    )
