"""Validate: check the staged bars, keep every finding, and stop the run where they are too bad."""

from __future__ import annotations

from pathlib import Path

from marketsim.errors import ValidationStopped
from marketsim.report.findings_page import findings_page
from marketsim.validate import validate as check_bars
from tasks.references import RunRef, ValidationRef
from tasks.staged import Progress, base_dir_of, finished, has_clean, silent, spec_of, write_clean
from warehouse.staging import Staging

STEP = "validate"
PAGE = "findings.html"


def validate(run: RunRef, root: Path, progress: Progress = silent) -> ValidationRef:
    """Check the bars of a staged run and write findings, quarantine and the page that shows them.

    Raises
    ------
    ValidationStopped
        A check failed that the configuration does not tolerate; nothing is published, the page stays in the staging folder.
    """
    staging = Staging(root, run.run_id)
    before = finished(staging, STEP, ValidationRef)
    if before is not None and has_clean(staging, staging.payload(STEP)["clean_sha256"]):
        progress("checks are finished already")
        return before
    spec = spec_of(staging)
    if spec.reads_data:
        progress(f"checking {run.n_bars:,} bars")
    result = check_bars(staging.read_table("bars"), spec, staging.read_table("sources"), base_dir=base_dir_of(staging))
    staging.write_table("findings", result.findings)
    staging.write_table("quarantine", result.quarantine)
    page = staging.write_document(PAGE, findings_page(result, spec, f"{spec.name} · {run.run_id}"))
    progress(result.sentence)
    if result.stops:
        raise ValidationStopped(f"{result.sentence} All findings: {page}")
    reference = ValidationRef(
        run_id=run.run_id,
        n_checks=result.findings.num_rows,
        n_failed=len(result.failed),
        n_quarantined=run.n_bars - result.clean.num_rows,
        worst=result.worst,
        sentence=result.sentence,
    )
    staging.mark(STEP, {"reference": reference.model_dump(mode="json"), "clean_sha256": write_clean(staging, result.clean)})
    return reference
