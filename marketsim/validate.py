"""Validate: check bars, write down every finding, set bad bars aside, and say whether the run may go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from marketsim.config.run import RunSpec

SEVERITIES = ("info", "warning", "error", "critical")


@dataclass(frozen=True, slots=True)
class Validation:
    """What the checks found and what may be used.

    Attributes
    ----------
    findings : one row a check and symbol, passed ones too; `marketsim.validation.tables.FINDINGS`, sorted by check and symbol.
    quarantine : one row a bad bar and reason; `marketsim.validation.tables.QUARANTINE`, sorted by symbol and time.
    clean : the bars that may be used, in `marketsim.data.bars.SCHEMA`, sorted by symbol and time.
    n_received : bars that were checked.
    stop_on : lowest severity of a failed check that stops the run.
    """

    findings: pa.Table
    quarantine: pa.Table
    clean: pa.Table
    n_received: int
    stop_on: str

    @property
    def failed(self) -> list[dict[str, object]]:
        """The failed findings, worst first, then by check and symbol."""
        failed = [finding for finding in self.findings.to_pylist() if not finding["success"]]
        return sorted(failed, key=lambda finding: -SEVERITIES.index(finding["severity"]))

    @property
    def worst(self) -> str | None:
        """Highest severity of a failed check; None when all passed."""
        failed = self.failed
        return str(failed[0]["severity"]) if failed else None

    @property
    def stops(self) -> bool:
        """Whether a check failed that stops the run before anything is published."""
        return self.worst is not None and SEVERITIES.index(self.worst) >= SEVERITIES.index(self.stop_on)

    @property
    def sentence(self) -> str:
        """The result in one sentence, with the worst finding when it stops the run."""
        if not self.findings.num_rows:
            return "no data to check."
        failed = self.failed
        counts = {severity: sum(finding["severity"] == severity for finding in failed) for severity in reversed(SEVERITIES)}
        told = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count)
        n_bad, n_checks = self.n_received - self.clean.num_rows, f"{self.findings.num_rows:,}"
        verdict = f"{len(failed)} of {n_checks} checks failed ({told})" if failed else f"all {n_checks} checks passed"
        text = f"{self.n_received:,} bars checked, {n_bad:,} quarantined; {verdict}"
        if not self.stops:
            return f"{text}."
        return f"{text}; the run stops at {self.stop_on}: {failed[0]['check_name']} — {failed[0]['message']}"


def validate(bars: pa.Table, spec: RunSpec, sources: pa.Table | None = None, *, base_dir: Path | None = None) -> Validation:
    """Check bars against what the run needs.

    The checks come in stages; each looks only at what the one before left standing: the schema, the symbols, every bar by
    itself, bars against each other, each series, each symbol as a whole. A bar that fails a quarantining check is taken out.
    Of identical bars the first is kept. Of bars that contradict each other none is kept, because choosing would be guessing.

    Parameters
    ----------
    bars : canonical bars in any order; values may be anything the types allow.
    spec : the run; its symbols, period, calendar and `validation` section decide what is expected.
    sources : table `sources` of the ingestion; its errors make the message about a symbol without bars more helpful, and recordings
        it names are checked as well.
    base_dir : where relative paths of recordings start.

    Raises
    ------
    ConfigError
        ``spec.calendar`` names no known exchange.
    DataError
        A recording the bars were made of is gone or has changed.
    """
    if not spec.reads_data:
        from marketsim.data.bars import SCHEMA
        from marketsim.validation.tables import FINDINGS, QUARANTINE

        return Validation(FINDINGS.empty_table(), QUARANTINE.empty_table(), SCHEMA.empty_table(), 0, spec.validation.stop_on)
    # Great Expectations takes seconds to import; only a run that validates pays for it.
    from marketsim.validation.findings import findings_table
    from marketsim.validation.stages import roles_of, run_stages

    findings, quarantine, clean = run_stages(bars, spec, sources)
    if sources is not None and "recording" in sources["role"].to_pylist():
        from marketsim.replay.library import recordings_of
        from marketsim.validation.recording_checks import recording_findings

        recordings = recordings_of(spec, base_dir or Path(), sources)
        findings += recording_findings({symbol: recording.open() for symbol, recording in recordings.items()}, roles_of(spec))
    return Validation(findings_table(findings), quarantine, clean, bars.num_rows, spec.validation.stop_on)
