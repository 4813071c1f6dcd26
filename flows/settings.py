"""The environment the flows run in: Prefect's settings that differ from its own defaults, and our one choice of task runner."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marketsim.errors import ConfigError

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

PROJECT = Path(__file__).resolve().parents[1]

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The temporary server needs longer than Prefect's 20 s on a busy or fresh machine.
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_HOME": str(PROJECT / ".prefect"),
    # A lost run is noticed after three missed beats; see flows.automations.
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_CLI_PROMPT": "false",
}

TASK_RUNNER_VARIABLE = "MARKETSIM_TASK_RUNNER"
TASK_RUNNERS = ("threads", "dask", "ray")


def apply_defaults() -> None:
    """Set what the user has not set; has no effect on a Prefect that is already imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def task_runner(choice: str | None = None) -> TaskRunner[Any]:
    """Return the runner of mapped tasks.

    Parameters
    ----------
    choice : ``threads``, ``dask`` or ``ray``; left out, the environment variable MARKETSIM_TASK_RUNNER, then threads.

    Raises
    ------
    ConfigError
        The name is unknown, or the package it needs is not installed.
    """
    name = (choice or os.environ.get(TASK_RUNNER_VARIABLE) or "threads").strip().lower()
    if name not in TASK_RUNNERS:
        raise ConfigError(f"{TASK_RUNNER_VARIABLE}: '{name}' is not a task runner; use {', '.join(TASK_RUNNERS)}.")
    if name == "threads":
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=os.cpu_count())

    try:
        module = importlib.import_module(f"prefect_{name}")
    except ImportError:
        raise ConfigError(
            f"{TASK_RUNNER_VARIABLE}: '{name}' needs the package prefect-{name}, which is not installed; install it or use threads."
        ) from None
    runner: TaskRunner[Any] = getattr(module, f"{name.capitalize()}TaskRunner")()
    return runner
