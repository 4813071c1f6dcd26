"""The command `marketsim` and the groups below it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import marketsim
from marketsim.cli.config import config, strategies
from marketsim.cli.diff import diff
from marketsim.cli.failures import Guarded
from marketsim.cli.impact import impact
from marketsim.cli.query import report, runs, sql
from marketsim.cli.replay import book, replay
from marketsim.cli.reproduce import reproduce
from marketsim.cli.run import run
from marketsim.cli.serve import serve
from marketsim.cli.store import warehouse


@click.group(cls=Guarded, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(marketsim.__version__, prog_name="marketsim")
def main() -> None:
    """A market laboratory: real history in, backtests and simulated markets through a pipeline, a queryable warehouse out.

    The warehouse lies in ./data, or where MARKETSIM_WAREHOUSE points.
    """
    # As with `python -m`: a user's own strategy may lie where the command runs. Last, so that it shadows nothing.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


for command in (run, runs, sql, report, diff, reproduce, config, strategies, warehouse, serve, replay, book, impact):
    main.add_command(command)
