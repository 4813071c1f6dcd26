"""A Prefect server for one run started by hand: up while the run's libraries load, gone with the run however it ends.

Prefect would start one itself, but only when the flow begins, on a port the API may want, and it outlives a killed run.
"""

from __future__ import annotations

import atexit
import importlib
import os
import socket
import sys

import httpx
import prefect
from prefect.context import refresh_global_settings_context
from prefect.settings import get_current_settings

from flows.processes import start, wait_until_listening
from flows.settings import PROJECT

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0

# What the steps import when they begin; loading it meanwhile costs no time, because the server is another process.
LOADED_MEANWHILE = ("marketsim.validation.stages", "marketsim.report", "vl_convert")


def ensure_server() -> None:
    """Start a temporary server unless PREFECT_API_URL or the Prefect profile names one, and return when it answers.

    Raises
    ------
    MarketsimError
        It does not start.
    """
    if get_current_settings().api.url is not None:
        return
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    # The command and the environment of Prefect's own temporary server.
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(prefect.__module_path__.parent), "--factory"]
    command += ["prefect.server.api.server:create_app", "--host", HOST, "--port", str(port), "--log-level", "error", "--lifespan", "on"]
    own = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
    server = start("The temporary Prefect server", command, PROJECT, os.environ | own)
    # Registered before Prefect's own exit handlers, so it runs after them, when the last log lines are sent.
    atexit.register(server.stop)
    for name in LOADED_MEANWHILE:
        importlib.import_module(name)
    wait_until_listening(server, HOST, port, START_TIMEOUT_S)
    url = f"http://{HOST}:{port}/api"
    httpx.get(f"{url}/health", timeout=START_TIMEOUT_S).raise_for_status()
    os.environ["PREFECT_API_URL"] = url
    refresh_global_settings_context()
