"""Impact on the command line: what an agent, or a metaorder of several sizes, does to a simulated market."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.config import overrides, set_option
from marketsim.cli.failures import json_option, printable
from marketsim.cli.output import print_object, print_table
from marketsim.cli.run import progress_shown
from marketsim.errors import DataError, MarketsimError

if TYPE_CHECKING:
    from marketsim.config.run import RunSpec
    from marketsim.impact.experiments import Experiment, Metaorder
    from marketsim.impact.pairs import Pair
    from marketsim.report.impact_report import Findings

NS = 1_000_000_000
OF_METAORDERS = ("kind", "side", "start", "horizon", "parameters")


class _Sizes(click.ParamType[tuple[int, ...]]):
    """Quantities such as 1000,2000,4000."""

    name = "lots"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the quantities in rising order."""
        words = str(value).replace("_", "").split(",")
        if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
            self.fail(f"{value!r} is no list of lots; expected whole numbers such as 1000,2000,4000.", param, ctx)
        return tuple(sorted({int(word) for word in words}))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of the command."""

    without: str | None
    metaorder: tuple[int, ...] | None
    kind: str
    side: str
    start: float
    horizon: float
    parameters: tuple[str, ...]
    seeds: int
    threads: int | None
    symbol: str | None
    every: float
    to: Path | None

    def check(self, ctx: click.Context) -> None:
        """Refuse what does not go together, before anything runs."""
        if (self.without is None) == (self.metaorder is None):
            raise click.UsageError("Choose one of --without AGENT and --metaorder LOTS,LOTS,…")
        if self.without is not None:
            given = [name for name in OF_METAORDERS if ctx.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE]
            if given:
                option = next(p.opts[0] for p in ctx.command.params if p.name == given[0])
                raise click.UsageError(f"{option} says how a metaorder is worked; leave it out, or ask for --metaorder.")
        if self.seeds < 2:
            raise click.UsageError(f"--seeds {self.seeds}: an interval takes at least 2 pairs; 100 are a good number.")

    def experiment(self, spec: RunSpec, base_dir: Path) -> Experiment:
        """Return the experiment asked for."""
        from marketsim.impact.experiments import with_metaorders, without_agent

        if self.without is not None:
            return without_agent(spec, self.without, base_dir, self.symbol)
        return with_metaorders(spec, self._metaorder(), base_dir, self.symbol)

    def title(self, name: str) -> str:
        """Return what is done, such as "rmsc04 without market_maker"."""
        if self.without is not None:
            return f"{name} without {self.without}"
        return f"{name} with a {self.side} metaorder ({self.kind}, {self.horizon:g} min)"

    def folder(self, name: str) -> Path:
        """Return where the results go."""
        return self.to or Path("impact") / (
            f"{name}-without-{self.without}" if self.without is not None else f"{name}-metaorder-{self.kind}"
        )

    def _metaorder(self) -> Metaorder:
        from marketsim.config.file import parse_override
        from marketsim.impact.experiments import Metaorder

        given = dict(parse_override(text) for text in self.parameters)
        return Metaorder(self.metaorder or (), self.kind, self.side, self.start, self.horizon, given)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for decorate in (
        click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results; left out = below impact/."),
        click.option(
            "--every", type=click.FloatRange(min=0.001), default=10.0, show_default=True, help="Seconds between two looks at the price."
        ),
        click.option("--symbol", help="Whose price is looked at; left out = the first the agent trades."),
        click.option("--threads", type=click.IntRange(min=1), help="Seeds that run at the same time; left out = one a processor."),
        click.option("--seeds", type=int, default=100, show_default=True, help="Pairs: the run's seed and those that follow it."),
        click.option(
            "--parameter", "parameters", multiple=True, metavar="KEY=VALUE", help="Further parameter of its kind; may be repeated."
        ),
        click.option(
            "--horizon", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True, help="Minutes it may take."
        ),
        click.option(
            "--start", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Minutes from the open to its beginning."
        ),
        click.option("--side", type=click.Choice(["buy", "sell"]), default="buy", show_default=True, help="Direction of the metaorder."),
        click.option("--agent", "kind", default="twap", show_default=True, help="Kind of agent that works the metaorder."),
        click.option(
            "--metaorder", type=_Sizes(), metavar="LOTS,LOTS,…", help="Add a metaorder instead, each size in a market of its own."
        ),
        click.option("--without", metavar="AGENT", help="GROUP, one agent as GROUP.NUMBER, or a strategy's name."),
        click.argument("config", type=click.Path(path_type=Path)),
    ):
        decorate(command)
    return command


@click.command(short_help="Measure what an agent or a metaorder does to a simulated market.")
@_options
@set_option
@json_option
def impact(config: Path, settings: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Run the simulated market of CONFIG with and without an agent, and tell what the agent does to it.

    Each seed is run both ways with the same random numbers, so that every difference is the agent's doing. With --metaorder somebody who
    works an order of that size is added instead; several sizes give the impact exponent. Pictures (PNG, HTML) and tables (Parquet) go
    into a folder. Nothing is published.
    """
    asked = _Asked(**options)
    asked.check(click.get_current_context())
    from marketsim.config.file import load_runnable

    spec = load_runnable(config, overrides(settings))
    with progress_shown() as progress:
        progress("reading: the population")
        experiment = asked.experiment(spec, config.resolve().parent)
        folder = _made(asked.folder(spec.name))
        progress(_first_sentence())
        seeds = [(spec.seed + k) % 2**63 for k in range(asked.seeds)]
        pairs = experiment.run(seeds, round(asked.every * NS), threads=asked.threads or os.cpu_count() or 1, progress=progress)
        progress("drawing: the pictures")
        found = _findings(asked, spec, experiment, pairs)
        written = _written(folder, found, spec, pairs)
    if as_json:
        print_object(_plain(found, spec, asked, written))
    else:
        _print(found, pairs)
        for path in written:
            click.echo(f"wrote {printable(str(path))}")


def _first_sentence() -> str:
    from marketsim.kernel.compile import is_compiled

    return "pairs: the first" if is_compiled() else "pairs: the first, once the kernel is compiled; about half a minute, once"


def _made(folder: Path) -> Path:
    """Make the folder before anything runs; a place that cannot be written is told at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MarketsimError(f"{folder}: cannot be made ({error.strerror}); choose another place with --to.") from error
    if not os.access(folder, os.W_OK):
        raise MarketsimError(f"{folder}: cannot be written; choose another place with --to.")
    return folder


def _findings(asked: _Asked, spec: RunSpec, experiment: Experiment, pairs: list[list[Pair]]) -> Findings:
    from marketsim.impact.measures import measure_impact
    from marketsim.impact.metaorders import impact_curve
    from marketsim.report.impact_report import Findings

    sizes: tuple[int | None, ...] = asked.metaorder or (None,)
    impacts = {size: measure_impact(own) for size, own in zip(sizes, pairs, strict=True)}
    curve, no_curve = None, ""
    if len(sizes) > 1:
        try:
            curve = impact_curve(pairs)
        except DataError as error:
            no_curve = str(error)
    first = impacts[sizes[0]]
    symbol = spec.symbols[experiment.symbol]
    method = f"{symbol}, mid price with less without, {first.n_pairs} pairs of the same random numbers"
    return Findings(asked.title(spec.name), method, experiment.zone, impacts, curve, no_curve)


def _written(folder: Path, found: Findings, spec: RunSpec, pairs: list[list[Pair]]) -> list[Path]:
    import pyarrow.parquet as pq

    from marketsim.impact.tables import measures_table, pairs_table, path_table
    from marketsim.report.impact_report import page, pictures

    tables = {"path": path_table(found.impacts), "pairs": pairs_table(found.impacts, pairs), "measures": measures_table(found.impacts)}
    documents = {**pictures(found), "impact.html": page(found, spec).encode()}
    try:
        for name, content in documents.items():
            (folder / name).write_bytes(content)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
    except OSError as error:
        raise MarketsimError(f"{folder}: cannot be written ({error.strerror}); choose another place with --to.") from error
    return [folder / name for name in (*documents, *(f"{name}.parquet" for name in tables))]


def _print(found: Findings, pairs: list[list[Pair]]) -> None:
    from marketsim.report.impact_report import measure_rows

    one = found.one
    click.echo(printable(f"{found.title}: {one.n_pairs} pairs, it traded in {one.n_trading}"))
    if len(found.impacts) == 1:
        print_table(("measure", "mean", "95 % from", "to", "unit", "pairs"), measure_rows(one))
        n_flat = sum(pair.net_lot == 0 for pair in pairs[0] if len(pair.fill_ns))
        if n_flat:
            click.echo(f"In {n_flat} pairs it ended with what it began with; these count unsigned.")
    else:
        columns = ("lots", "traded", "peak, bps", "95 % from", "to", "at the end", "95 % from", "to", "cost", "against path", "pairs")
        rows = []
        for (size, impact), own in zip(found.impacts.items(), pairs, strict=True):
            lots = [abs(pair.net_lot) for pair in own]
            peak, stays = impact.peak_bps, impact.permanent_bps
            values = (peak.mean, peak.low, peak.high, stays.mean, stays.low, stays.high)
            costs = (impact.cost_bps.mean, impact.cost_without_impact_bps.mean)
            numbers = [value if peak.n else None for value in (*values, *costs)]
            rows.append((size, round(sum(lots) / len(lots)), *numbers, impact.n_trading))
        print_table(columns, rows)
    click.echo(found.sentence())


def _plain(found: Findings, spec: RunSpec, asked: _Asked, written: list[Path]) -> dict[str, Any]:
    from dataclasses import asdict

    from marketsim.impact.measures import MEASURES

    curve = found.curve
    return {
        "status": "success",
        "name": spec.name,
        "without": asked.without,
        "impacts": [
            {
                "size_lot": size,
                "n_pairs": impact.n_pairs,
                "n_trading": impact.n_trading,
                **{name: asdict(getattr(impact, name)) for name in MEASURES},
            }
            for size, impact in found.impacts.items()
        ],
        "exponent": None if curve is None else asdict(curve.exponent),
        "coefficient_bps": None if curve is None else curve.coefficient,
        "no_exponent": found.no_curve or None,
        "written": [str(path) for path in written],
    }
