"""Recorded markets on the command line: how exactly a recording rebuilds, and the book at any moment of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.failures import json_option, printable
from marketsim.cli.output import print_object

if TYPE_CHECKING:
    from marketsim.replay.recording import Opened
    from marketsim.replay.verify import VerificationReport

FORMATS = ("lobster", "itch", "binance", "coinbase", "stream")
Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class _Source:
    """The files of a recording and how to read them."""

    files: tuple[Path, ...]
    symbol: str | None
    file_format: str | None
    initial: Path | None

    def open(self) -> Opened:
        """Read them; say so where the kernel has yet to be compiled."""
        from marketsim.kernel.compile import is_compiled
        from marketsim.replay.recording import open_recording

        if not is_compiled():
            click.echo("compiling the kernel, once; about 10 s", err=True)
        return open_recording(self.files, symbol=self.symbol, file_format=self.file_format, initial=self.initial)


def _recorded(command: Command) -> Command:
    """Give a command the arguments that name a recording, as one ``source``."""

    @functools.wraps(command)
    def gathered(files: tuple[Path, ...], symbol: str | None, file_format: str | None, initial: Path | None, **options: Any) -> None:
        command(_Source(files, symbol, file_format, initial), **options)

    existing = click.Path(exists=True, dir_okay=False, path_type=Path)
    for decorate in (
        click.option("--initial", type=existing, help="LOBSTER: order book file whose first row is a deeper opening state."),
        click.option("--format", "file_format", type=click.Choice(FORMATS), help="Format of the files; told by them if left out."),
        click.option("--symbol", help="Symbol to keep, as the feed spells it; needed for ITCH."),
        click.argument("files", nargs=-1, required=True, type=existing),
    ):
        decorate(gathered)
    return gathered


@click.command(short_help="Rebuild a recorded market and say how exactly.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Parquet file for the events; left out = the first file's name with .events.parquet, in the current folder.",
)
@click.option("--check-only", is_flag=True, help="Write no Parquet.")
@click.option("--heat-map", type=click.Path(dir_okay=False, path_type=Path), help="Draw the depth with trades: a .png or .html file.")
@json_option
@_recorded
def replay(source: _Source, to: Path | None, check_only: bool, heat_map: Path | None, as_json: bool) -> None:
    """Rebuild the recorded market in FILES, print how exactly it rebuilds, and write its events as Parquet.

    FILES are a LOBSTER message file and its order book file, a Nasdaq ITCH 5.0 file, Binance or Coinbase captures, or a Parquet file this
    command wrote. Where an order book file tells the true levels, the written events and the picture are resynchronised with it.
    """
    if check_only and to is not None:
        raise click.UsageError("Choose --to or --check-only, not both.")
    if heat_map is not None and heat_map.suffix not in (".png", ".html"):
        raise click.UsageError(f"--heat-map {heat_map.name}: end its name with .png or .html.")
    from marketsim.replay.heatmap import heat_map as drawn
    from marketsim.replay.verify import verification_text, verify

    opened = source.open()
    stream, written = opened.stream, []
    single = len(stream.symbols) == 1
    reports = [verify(stream.only(s), opened.depth if single else None, window_levels=opened.window_levels) for s in stream.symbols]
    if not check_only or heat_map is not None:
        stream = opened.mended()
    if not check_only:
        target = to or Path(source.files[0].name.partition(".")[0] + ".events.parquet")
        stream.write_parquet(target)
        written.append(target)
    if heat_map is not None:
        picture = drawn(stream)
        heat_map.write_bytes(picture.png() if heat_map.suffix == ".png" else picture.html().encode())
        written.append(heat_map)
    if as_json:
        print_object({"status": "success", "symbols": [_plain(name, r) for name, r in zip(stream.symbols, reports, strict=True)],
                      "written": [str(path) for path in written]})  # fmt: skip
        return
    for name, report in zip(stream.symbols, reports, strict=True):
        click.echo(printable(f"{name} in {verification_text(report)}"))
    for path in written:
        click.echo(f"wrote {path}")


@click.command(short_help="Draw the book of a recorded market at a moment.")
@click.option("--at", required=True, help="HH:MM:SS on the recording's first day, or YYYY-MM-DDTHH:MM:SS, in the market's own time.")
@click.option("--depth", type=click.IntRange(min=1, max=1000), default=10, show_default=True, help="Levels a side.")
@json_option
@_recorded
def book(source: _Source, at: str, depth: int, as_json: bool) -> None:
    """Draw the ladder of the recorded market in FILES at a moment, events at it included.

    FILES are as for `marketsim replay`; US equities' times are New York's, all others UTC.
    """
    from dataclasses import asdict

    from marketsim.replay.ladder import book_at, ladder_text, parsed_moment

    opened = source.open()
    stream = opened.mended()
    ladder = book_at(stream, parsed_moment(at, stream, opened.zone), depth, symbol=source.symbol)
    if as_json:
        print_object({"status": "success", **asdict(ladder)})
    else:
        click.echo(printable(ladder_text(ladder, opened.zone)))


def _plain(symbol: str, report: VerificationReport) -> dict[str, Any]:
    """Return a report as JSON has it: faults and differences by name."""
    compared = {
        title: None
        if found is None
        else {
            "n_rows": found.n_rows,
            "n_exact": found.n_exact,
            "first_message": found.first_message,
            "differences": {kind.name.lower(): count for kind, count in found.differences.items()},
        }
        for title, found in (("one_step", report.one_step), ("open_loop", report.open_loop))
    }
    return {
        "symbol": symbol,
        "source": report.source,
        "n_messages": report.n_messages,
        "is_exact": report.is_exact,
        **compared,
        "episodes": [episode.sentence for episode in report.episodes],
        "counts": report.counts,
        "refused": {fault.name.lower(): {"rows": count, "first": first} for fault, (count, first) in report.faults.items()},
        "retimed": list(report.retimed),
    }
