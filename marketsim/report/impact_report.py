"""What an impact experiment found, as text, picture and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from marketsim.config.run import RunSpec
from marketsim.impact.measures import MEASURES, Estimate, Impact
from marketsim.impact.metaorders import ImpactCurve
from marketsim.report.chart_runtime import chart_runtime
from marketsim.report.impact_chart import curve_chart, path_chart, picture
from marketsim.report.palette import PAGE, chart_config
from marketsim.report.tear_sheet import FONT, script_json

REAL_EXPONENT = "about 0.5 in real markets"


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found.

    Attributes
    ----------
    title : what was done, such as "rmsc04 without market_maker"
    method : how, one sentence
    zone : the market's time zone
    impacts : by size of the metaorder, lots; None where an agent of the market was taken away
    curve : of several sizes
    no_curve : why there is none, where there are several sizes
    """

    title: str
    method: str
    zone: str
    impacts: Mapping[int | None, Impact]
    curve: ImpactCurve | None = None
    no_curve: str = ""

    @property
    def one(self) -> Impact:
        """The first impact; the only one where there are no several sizes."""
        return next(iter(self.impacts.values()))

    def sentence(self) -> str:
        """Return the finding in one sentence."""
        if len(self.impacts) == 1:
            peak, stays = self.one.peak_bps, self.one.permanent_bps
            if not peak.n:
                return "It never traded."
            return f"It moves the price against itself by {with_interval(peak)} bps when done, by {with_interval(stays)} bps at the end."
        if self.curve is None:
            return f"No exponent: {self.no_curve}"
        return f"Impact grows with size to the power {with_interval(self.curve.exponent)}; {REAL_EXPONENT}."


def with_interval(e: Estimate) -> str:
    """Return a mean and its interval."""
    return f"{e.mean:.2f} (95 %: {e.low:.2f} to {e.high:.2f})"


def pictures(found: Findings) -> dict[str, bytes]:
    """Return the charts as PNG by file name."""
    drawn = {
        "impact.png": picture(
            path_chart(_named(found), found.zone), found.title, found.sentence(), f"{found.method}; band: 95 % of the mean"
        )
    }
    if found.curve is not None:
        drawn["curve.png"] = picture(curve_chart(found.curve), found.title, found.sentence())
    return drawn


def page(found: Findings, spec: RunSpec) -> str:
    """Return a page with charts, tables and the run description; one file that needs nothing from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    charts = {"path": path_chart(_named(found), found.zone, PAGE)}
    if found.curve is not None:
        charts["curve"] = curve_chart(found.curve, PAGE)
    environment = Environment(
        loader=PackageLoader("marketsim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("impact.html.j2").render(
        found=found,
        tables=[(_size(size), impact, measure_rows(impact)) for size, impact in found.impacts.items()],
        has_curve=found.curve is not None,
        seed=spec.seed,
        config=yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110),
        data=script_json(
            {"look": {"config": chart_config(PAGE, FONT), "autosize": {"type": "fit-x", "contains": "padding"}}, "charts": charts}
        ),
        runtime=chart_runtime(),
    )


def measure_rows(impact: Impact) -> Sequence[tuple[str, float | None, float | None, float | None, str, int]]:
    """Return measure, mean, low, high, unit and number of pairs; changes in percent, None for what is not known."""
    rows = []
    for name, (label, unit) in MEASURES.items():
        e: Estimate = getattr(impact, name)
        factor = 100.0 if unit == "fraction" else 1.0
        numbers = [factor * value if e.n else None for value in (e.mean, e.low, e.high)]
        rows.append((label, numbers[0], numbers[1], numbers[2], "%" if unit == "fraction" else unit, e.n))
    return rows


def _named(found: Findings) -> dict[str, Impact]:
    return {_size(size): impact for size, impact in found.impacts.items()}


def _size(size: int | None) -> str:
    return "" if size is None else f"{size:,} lots"
