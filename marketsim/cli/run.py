"""Run a description through the pipeline: ingest, validate, simulate, report, publish."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from marketsim.cli.config import overrides, set_option
from marketsim.cli.failures import json_option, printable
from marketsim.cli.output import print_object
from marketsim.errors import RunFailed


@click.command(short_help="Run a configuration and publish the result.")
@click.argument("config", type=click.Path(path_type=Path))
@set_option
@json_option
def run(config: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Run CONFIG, a YAML file, and publish the result.

    The same configuration, data and code give the same run: a second time nothing new is published. The exit code is 0 when the run was
    published and passed its health gates, 2 for a faulty configuration, 3 for faulty data, 4 when validation stopped the run, 5 for a
    faulty strategy, 6 when the warehouse cannot be written and 7 when a health gate failed.
    """
    from tasks.pipeline import run_pipeline
    from tasks.references import RunRequest
    from warehouse.settings import root

    with progress_shown() as progress:
        outcome = run_pipeline(RunRequest(config=config, overrides=overrides(settings)), root(), progress)
    if as_json:
        print_object(outcome.model_dump(mode="json"))
    else:
        from rich.console import Console

        from tasks.console import show

        show(outcome, Console(width=None if sys.stdout.isatty() else 200))
    click.get_current_context().exit(0 if outcome.status == "success" else RunFailed.exit_code)


@contextmanager
def progress_shown() -> Iterator[Callable[[str], None]]:
    """Lend a progress that speaks on stderr: a moving line on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        from tasks.console import paced

        yield paced(lambda sentence: click.echo(printable(sentence), err=True))
        return
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True)
    with console.status("starting") as status:
        stage = last = ""

        def hear(sentence: str) -> None:
            nonlocal stage, last
            now = sentence.partition(":")[0]
            if stage not in ("", now):
                console.print(f"[green]✓[/green] {escape(last)}", highlight=False, no_wrap=True, overflow="ellipsis")
            stage, last = now, printable(sentence).replace("\n", " ")
            status.update(escape(last))

        yield hear
        if last:
            console.print(f"[green]✓[/green] {escape(last)}", highlight=False, no_wrap=True, overflow="ellipsis")
