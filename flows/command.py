"""Running a flow by hand: live progress, one sentence where it fails, a summary where it does not."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from prefect import Flow
from prefect.client.schemas.objects import State
from rich.console import Console

from flows.compilation import compile_meanwhile
from flows.forms import RunForm
from flows.temporary_server import ensure_server
from marketsim.config.file import load_spec
from marketsim.errors import MarketsimError, RunFailed
from tasks.console import show
from tasks.orchestrated import PROGRESS
from tasks.publish import outcome_of
from tasks.references import Outcome
from warehouse import settings
from warehouse.errors import WarehouseError

UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class _Live(logging.Handler):
    """Prints the steps' progress as it happens, with the seconds since the start."""

    def __init__(self, console: Console, started: float) -> None:
        super().__init__()
        self._console, self._started = console, started

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, PROGRESS, False):
            seconds = time.perf_counter() - self._started
            self._console.print(f"{seconds:6.1f} s  {record.getMessage()}", highlight=False, markup=False, soft_wrap=True)


def run_from_command_line(flow: Flow[Any, Outcome], form: type[RunForm], arguments: Sequence[str] | None = None) -> int:
    """Run a flow with the configuration the command line names and return the exit code."""
    parser = argparse.ArgumentParser(description=flow.description)
    parser.add_argument("config", nargs="?", help=f"run description (default: {form().config})")
    chosen = parser.parse_args(arguments)
    started, console = time.perf_counter(), Console()
    run = form(config=str(Path(chosen.config).resolve())) if chosen.config else form()
    try:
        spec = load_spec(run.request().config, run.request().overrides)  # before waiting for a server
        console.print(f"   0.0 s  starting flow {flow.name}; its server takes some seconds", highlight=False)
        if compile_meanwhile(run.request().config, spec):
            console.print("   0.0 s  compiling the simulated market meanwhile, once; about 20 s", highlight=False)
        ensure_server()
        _listen(_Live(console, started))
        state = cast("State[Outcome]", flow(run, return_state=True))
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted; running it again goes on where it stopped.\n")
        return INTERRUPTED
    except MarketsimError as error:
        return _explain(error)
    outcome = state.result(raise_on_failure=False)
    if isinstance(outcome, RunFailed):
        outcome = outcome_of(outcome.run_id, settings.root().resolve(), is_new=True)
    if isinstance(outcome, Outcome):
        show(outcome, console)
        console.print(f"Done in {time.perf_counter() - started:.1f} s: " + ", ".join(f"{k} {v:.1f}" for k, v in outcome.timings_s.items()))
        return 0 if outcome.status == "success" else RunFailed.exit_code
    return _explain(outcome)


def _listen(live: _Live) -> None:
    """Show progress instead of Prefect's own lines and tracebacks, which still reach the server's log of the run."""
    logging.getLogger("prefect").setLevel(logging.WARNING)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        logger.addHandler(live)


def _explain(fault: object) -> int:
    if isinstance(fault, (MarketsimError, WarehouseError)):
        sys.stderr.write("".join(f"error: {line}\n" for line in str(fault).splitlines()))
        return fault.exit_code
    sys.stderr.write(f"error: unexpected {type(fault).__name__}: {' '.join(str(fault).split())}; the run's log has the traceback.\n")
    return UNEXPECTED
