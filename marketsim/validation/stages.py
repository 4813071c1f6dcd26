"""The order of the checks: each stage looks only at the bars that the one before left standing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from marketsim.config.run import RunSpec
from marketsim.data.bars import SCHEMA
from marketsim.data.calendars import LAST, Calendar, load_calendar
from marketsim.validation.bar_checks import bar_checks
from marketsim.validation.check import Check, Role
from marketsim.validation.coverage_checks import coverage_checks, coverage_frame
from marketsim.validation.findings import Finding, bar_findings, coverage_findings, whole_table_finding
from marketsim.validation.frame import bars_frame
from marketsim.validation.intake_checks import known_symbols, schema_check, schema_frame, time_order
from marketsim.validation.key_checks import add_copies, add_latest_close, key_checks, overlap_check
from marketsim.validation.quarantine import quarantine_rows, sort_quarantine
from marketsim.validation.series_checks import series_checks, series_frame
from marketsim.validation.suite import failing_rows
from marketsim.validation.tables import QUARANTINE


@dataclass(frozen=True, slots=True)
class Stage:
    """What came out of one stage: its findings, the bars it set aside, and the rows it left."""

    findings: list[Finding]
    quarantine: pa.Table
    kept: pd.DataFrame


def run_stages(bars: pa.Table, spec: RunSpec, sources: pa.Table | None) -> tuple[list[Finding], pa.Table, pa.Table]:
    """Return findings, quarantine and clean bars; see `marketsim.validate.validate`."""
    columns, schema = schema_frame(bars.schema), schema_check()
    wrong = failing_rows("schema", [schema], columns)[schema.name]
    schema_finding = whole_table_finding(schema, wrong, columns, "columns")
    if len(wrong):
        return [schema_finding], QUARANTINE.empty_table(), SCHEMA.empty_table()

    bars = bars.select(SCHEMA.names).combine_chunks()
    roles = roles_of(spec)
    calendar = load_calendar(spec.calendar)
    daily = spec.bar_interval == "1d"
    limits = spec.validation

    intake = _intake(bars_frame(bars, sorted(roles), calendar, daily=daily), bars, sorted(roles))
    order = _stage("order", [time_order()], intake.kept, bars, roles)
    single = _stage("bars", bar_checks(calendar, spec.start, spec.end or dt.date.fromisoformat(LAST)), order.kept, bars, roles)
    once = _stage("keys", key_checks(daily=daily), add_copies(single.kept), bars, roles)
    stages = [intake, order, single, once]
    if not daily:  # daily bars cannot overlap: each lies between the neighbouring sessions and is alone in its own
        stages.append(_stage("overlap", [overlap_check()], add_latest_close(once.kept), bars, roles))
    usable = stages[-1].kept
    of_series = series_checks(jump_threshold=limits.jump_threshold, stale_bars=limits.stale_bars, daily=daily)
    stages.append(_stage("series", of_series, series_frame(usable), bars, roles))

    findings = [schema_finding, *(finding for stage in stages for finding in stage.findings)]
    findings += _coverage(intake.kept, usable, spec, calendar, roles, sources)
    clean = bars.take(pa.array(usable["received"].to_numpy()))
    return findings, sort_quarantine([stage.quarantine for stage in stages]), pa.table(clean.columns, schema=SCHEMA)


def roles_of(spec: RunSpec) -> dict[str, Role]:
    """Return what each symbol of a run is there for, traded symbols first."""
    roles: dict[str, Role] = dict.fromkeys(spec.symbols, "traded")
    if spec.benchmark is not None:
        roles.setdefault(spec.benchmark, "benchmark")
    return roles


def _stage(name: str, checks: Sequence[Check], frame: pd.DataFrame, bars: pa.Table, roles: Mapping[str, Role]) -> Stage:
    failing = failing_rows(name, checks, frame)
    bad = [label for check in checks if check.quarantines for label in failing[check.name]]
    return Stage(
        findings=bar_findings(checks, failing, frame, roles),
        quarantine=quarantine_rows(checks, failing, frame, bars),
        kept=frame.drop(index=bad) if bad else frame,
    )


def _intake(frame: pd.DataFrame, bars: pa.Table, symbols: Sequence[str]) -> Stage:
    """Set aside the bars of symbols that are not the run's; they get one finding together, as no symbol of the run is to blame."""
    check = known_symbols(symbols)
    failing = failing_rows("intake", [check], frame)
    return Stage(
        findings=[whole_table_finding(check, failing[check.name], frame, "bars")],
        quarantine=quarantine_rows([check], failing, frame, bars),
        kept=frame.drop(index=list(failing[check.name])),
    )


def _coverage(
    received: pd.DataFrame,
    usable: pd.DataFrame,
    spec: RunSpec,
    calendar: Calendar,
    roles: Mapping[str, Role],
    sources: pa.Table | None,
) -> list[Finding]:
    errors = {} if sources is None else dict(zip(sources.column("symbol").to_pylist(), sources.column("error").to_pylist(), strict=True))
    frame = coverage_frame(received, usable, sorted(roles), spec, calendar, errors)
    checks = coverage_checks(daily=spec.bar_interval == "1d", ends=spec.end is not None, max_age_sessions=spec.validation.max_age_sessions)
    return coverage_findings(checks, failing_rows("coverage", checks, frame), frame, roles)
