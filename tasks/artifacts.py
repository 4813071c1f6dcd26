"""A run's figures as Prefect artifacts: table, summary, findings, picture and link, shown beside the run in the UI."""

from __future__ import annotations

import base64
import math
import os
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from prefect.artifacts import create_image_artifact, create_link_artifact, create_markdown_artifact, create_table_artifact

from marketsim.report.market_report import price_png
from tasks.references import API_VARIABLE, Outcome, ValidationRef
from tasks.report import PICTURE

MOST_FINDINGS = 20


def key(name: str, kind: str) -> str:
    """Return the key under which a run's artifacts of one kind form a history; Prefect allows small letters, digits and dashes."""
    return f"{name.replace('_', '-').strip('-')}-{kind}"


def show_findings(name: str, validation: ValidationRef, findings: pa.Table) -> None:
    """Show what the checks found as markdown, worst first."""
    failed = findings.filter(pc.invert(findings["success"])).to_pylist()
    rank = ("critical", "error", "warning", "info")
    failed.sort(key=lambda finding: rank.index(finding["severity"]))
    lines = [f"| {f['severity']} | {f['check_name']} | {f['symbol']} | {_cell(f['message'])} |" for f in failed[:MOST_FINDINGS]]
    more = [f"\n{len(failed) - MOST_FINDINGS} more are in table `findings`."] if len(failed) > MOST_FINDINGS else []
    head = ["| severity | check | symbol | found |", "|---|---|---|---|"] if lines else []
    text = "\n".join([f"# Data checks of run {validation.run_id}", "", validation.sentence, "", *head, *lines, *more])
    create_markdown_artifact(key=key(name, "findings"), markdown=text, description="What the data checks found.")


def show_outcome(outcome: Outcome, metrics: pa.Table, market_bars: pa.Table) -> None:
    """Show a published run: its summary, every measure, the picture of its accounts or of its market, and where its report lies."""
    about = f"Run {outcome.run_id}"
    create_markdown_artifact(key=key(outcome.name, "summary"), markdown=_summary(outcome), description=about)
    create_table_artifact(key=key(outcome.name, "metrics"), table=_wide(metrics), description=f"{about}: every measure a trader")
    drawn = outcome.folder / PICTURE
    shown, what = (drawn.read_bytes(), "equity and drawdown") if drawn.is_file() else (price_png(outcome.name, market_bars), "price")
    picture = f"data:image/png;base64,{base64.b64encode(shown).decode()}"
    create_image_artifact(key=key(outcome.name, "equity"), image_url=picture, description=f"{about}: {what}")
    create_link_artifact(
        key=key(outcome.name, "report"), link=_report_link(outcome), link_text=str(outcome.report), description=f"{about}: HTML report"
    )


def _report_link(outcome: Outcome) -> str:
    """Return where a browser finds the report: at the API where one is named, as browsers refuse files to a page from a server."""
    api = os.environ.get(API_VARIABLE)
    return f"{api}/runs/{outcome.run_id}/report" if api else outcome.report.as_uri()


def _summary(outcome: Outcome) -> str:
    heading, *rows = outcome.summary
    table = [heading, tuple("---" if not n else "---:" for n in range(len(heading))), *rows]
    status = outcome.status if not outcome.reason else f"{outcome.status}: {outcome.reason}"
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in table]
    return "\n".join([f"# {outcome.name} · {outcome.run_id}", "", f"Status **{status}**", "", *lines, "", f"Report: `{outcome.report}`"])


def _wide(metrics: pa.Table) -> list[dict[str, Any]]:
    """Return one row a measure and one column a trader, the strategy first, then the agents, the benchmark and the market."""
    rank = {"strategy": 0, "agent": 1, "benchmark": 2, "market": 3}
    rows = metrics.to_pylist()
    agents = sorted({(rank[row["role"]], row["agent"]) for row in rows})
    values = {(row["metric"], row["agent"]): row["value"] for row in rows}
    units = {row["metric"]: row["unit"] for row in rows}
    return [
        {"metric": metric, "unit": unit, **{agent: _number(values.get((metric, agent))) for _, agent in agents}}
        for metric, unit in sorted(units.items())
    ]


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
