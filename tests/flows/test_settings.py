"""The environment of the flows, and programs that are started and stopped together."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

import pytest

from flows.processes import require_free_port, start, wait_until_listening
from flows.settings import DEFAULTS, apply_defaults, task_runner
from marketsim.errors import ConfigError, MarketsimError


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_the_user_set_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_HOME", "/somewhere")
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    apply_defaults()
    assert os.environ["PREFECT_HOME"] == "/somewhere"
    assert os.environ["DO_NOT_TRACK"] == DEFAULTS["DO_NOT_TRACK"]


def test_threads_are_the_default_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARKETSIM_TASK_RUNNER", raising=False)
    assert type(task_runner()).__name__ == "ThreadPoolTaskRunner"


@pytest.mark.parametrize(
    ("choice", "words"), [("dask", "needs the package prefect-dask, which is not installed"), ("spark", "use threads, dask, ray")]
)
def test_a_runner_that_is_not_there_is_a_sentence(choice: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    monkeypatch.setenv("MARKETSIM_TASK_RUNNER", choice)
    with pytest.raises(ConfigError, match=words):
        task_runner()


def test_a_port_that_is_taken_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MarketsimError, match=f"Port {port} for the API cannot be opened .* choose another with --api-port"):
            require_free_port("127.0.0.1", port, "the API", "--api-port")


def test_stopping_a_program_stops_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}; wait"
    program = start("shell", ["sh", "-c", script], tmp_path, os.environ)
    deadline = time.monotonic() + 10
    while not (child.exists() and child.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    pid = int(child.read_text())
    program.stop()
    assert program.ended
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


def test_a_program_that_ends_before_it_listens_is_reported(tmp_path: Path) -> None:
    program = start("server", ["false"], tmp_path, os.environ)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(MarketsimError, match="server ended with code 1 before it was ready"):
        wait_until_listening(program, "127.0.0.1", port, 10.0)
