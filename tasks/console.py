"""What a person sees of a run: one line now and then while it works, and a summary at its end."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tasks.references import Outcome
from tasks.report import MARKET_PAGE
from tasks.staged import Progress

SHORTEST_PAUSE_S = 1.0
_NUMBERS = re.compile(r"\d[\d,.]*")


def paced(say: Progress, clock: Callable[[], float] = time.monotonic) -> Progress:
    """Return a progress that passes on every new kind of sentence, but one that only counts on at most once a second.

    Sentences that differ in their numbers alone are of one kind; the last of a kind is always said, before the next kind.
    """
    kind, said_at, waiting = "", float("-inf"), ""

    def hear(sentence: str) -> None:
        nonlocal kind, said_at, waiting
        found = _NUMBERS.sub("#", sentence)
        if found == kind and clock() - said_at < SHORTEST_PAUSE_S:
            waiting = sentence
            return
        if waiting and found != kind:
            say(waiting)
        kind, said_at, waiting = found, clock(), ""
        say(sentence)

    return hear


def show(outcome: Outcome, console: Console) -> None:
    """Print the outcome of a run: the summary table, where the report lies, and how to query the result."""
    heading, *rows = outcome.summary
    # Names break at underscores and columns stand close, so that six accounts fit a terminal of 80 characters.
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, name in enumerate(heading):
        table.add_column(
            name.replace("_", "\n"), justify="right" if number else "left", style="bold" if number == 1 else None, no_wrap=number > 0
        )
    for row in rows:
        table.add_row(*row)
    console.print(f"\n[bold]{outcome.name} · run {outcome.run_id}[/bold]", highlight=False)
    console.print(table)
    if outcome.status == "failed":
        console.print(f"[red]The run failed its health gates:[/red] {outcome.reason}", highlight=False)
    if not outcome.is_new:
        console.print("This run was already published; nothing new.", highlight=False)
    wanted = "metric = 'sharpe'" if "strategy" in heading else "metric = 'market_spread'"
    query = f"SELECT agent, value FROM metrics WHERE run_id = '{outcome.run_id}' AND {wanted}"  # noqa: S608 - shown, not run
    console.print(f"Report  {outcome.report}", highlight=False, soft_wrap=True)
    if (market := outcome.folder / MARKET_PAGE).is_file():
        console.print(f"Market  {market}", highlight=False, soft_wrap=True)
    console.print(f'Query   {_command()} sql "{query}"', highlight=False, soft_wrap=True)


def _command() -> str:
    """Return how `marketsim` is called from here: by name where the shell finds it, else by its path."""
    beside = Path(sys.executable).with_name("marketsim")
    if shutil.which("marketsim") or not beside.exists():
        return "marketsim"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)
