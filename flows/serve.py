"""One machine's laboratory: Prefect server and worker, deployments, automations and the API, started and stopped together.

``python -m flows.serve`` runs until Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from flows.processes import Program, require_free_port, start, wait_until_listening
from flows.settings import PROJECT
from marketsim.errors import MarketsimError
from tasks.references import API_VARIABLE

HOST = "127.0.0.1"
POOL = "marketsim"
START_TIMEOUT_S = 180.0
WATCH_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where things listen."""

    prefect_port: int
    api_port: int

    @property
    def prefect(self) -> str:
        """Address of the Prefect server and its UI."""
        return f"http://{HOST}:{self.prefect_port}"

    @property
    def api(self) -> str:
        """Address of the API."""
        return f"http://{HOST}:{self.api_port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of every program: ours, and where the server is."""
        return {
            **os.environ,
            "PREFECT_API_URL": f"{self.prefect}/api",
            "PREFECT_UI_API_URL": f"{self.prefect}/api",
            "PREFECT_SERVER_UI_API_URL": f"{self.prefect}/api",
            API_VARIABLE: self.api,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")])),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, wait for Ctrl-C or SIGTERM, stop everything."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve", description="Start Prefect server, worker and API on this machine.")
    parser.add_argument("--port", type=int, default=4200, help="port of the Prefect server and its UI (default 4200)")
    parser.add_argument("--api-port", type=int, default=8000, help="port of the API (default 8000)")
    parser.add_argument("--no-schedule", action="store_true", help="deploy with all schedules paused")
    chosen = parser.parse_args(arguments)
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    programs: list[Program] = []
    try:
        return _run(Addresses(chosen.port, chosen.api_port), programs, stopping, scheduled=not chosen.no_schedule)
    except MarketsimError as error:
        _say(str(error))
        return error.exit_code
    finally:
        for program in reversed(programs):
            program.stop()


def _run(at: Addresses, programs: list[Program], stopping: threading.Event, *, scheduled: bool) -> int:
    require_free_port(HOST, at.prefect_port, "the Prefect server", "--port")
    require_free_port(HOST, at.api_port, "the API", "--api-port")
    prefect = [sys.executable, "-m", "prefect"]
    api = [sys.executable, "-m", "uvicorn", "marketsim.api.app:create_app", "--factory", "--host", HOST, "--port", str(at.api_port)]
    _say("starting the Prefect server; the first time takes up to half a minute")
    server_command = [*prefect, "server", "start", "--host", HOST, "--port", str(at.prefect_port)]
    server = start("Prefect server", server_command, PROJECT, at.environment, quiet=True)
    programs.append(server)
    programs.append(start("API", [*api, "--log-level", "warning"], PROJECT, at.environment))
    wait_until_listening(server, HOST, at.prefect_port, START_TIMEOUT_S)
    if not stopping.is_set():
        asyncio.run(_set_up(at, scheduled=scheduled))
        programs.append(start("worker", [*prefect, "worker", "start", "--pool", POOL, "--type", "process"], PROJECT, at.environment))
        wait_until_listening(programs[1], HOST, at.api_port, START_TIMEOUT_S)
        _say(f"ready — runs and schedules {at.prefect}   API {at.api}/docs   stop with Ctrl-C")
    while not stopping.wait(WATCH_EVERY_S):
        for program in programs:
            if program.ended:
                raise MarketsimError(f"{program.name} ended by itself with code {program.process.returncode}; everything is being stopped.")
    _say("stopping")
    return 0


async def _set_up(at: Addresses, *, scheduled: bool) -> None:
    """Lay down work pool, deployments and automations; a second time changes nothing."""
    from prefect.client.orchestration import PrefectClient
    from prefect.client.schemas.actions import WorkPoolCreate

    from flows.automations import ensure_automations

    async with PrefectClient(f"{at.prefect}/api") as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", description="Runs flows on this machine."), overwrite=True)
        await ensure_automations(client)
    _say("deploying the flows of prefect.yaml")
    deployed = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=PROJECT,
        env=at.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if deployed.returncode != 0:
        raise MarketsimError(f"Deploying the flows of {PROJECT / 'prefect.yaml'} failed:\n{deployed.stdout}{deployed.stderr}")
    if not scheduled:
        await _pause_schedules(at)


async def _pause_schedules(at: Addresses) -> None:
    from prefect.client.orchestration import PrefectClient

    async with PrefectClient(f"{at.prefect}/api") as client:
        for deployment in await client.read_deployments():
            await client.pause_deployment(deployment.id)


def _say(sentence: str) -> None:
    sys.stdout.write(f"marketsim: {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
