"""Report: metrics, round trips, the tear sheet and the picture of a run."""

from marketsim.report.run_report import RunReport, report

__all__ = ["RunReport", "report"]
