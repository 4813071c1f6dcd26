"""Programs started together and stopped together: none outlives the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from marketsim.errors import MarketsimError

GRACE_S = 15.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Program:
    """One program under way and the name people know it by."""

    name: str
    process: subprocess.Popen[bytes]

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.process.poll() is not None

    def stop(self) -> None:
        """Ask its whole process group to end; make it end after a while."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(GRACE_S)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()


def start(name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str], *, quiet: bool = False) -> Program:
    """Start a program in a process group of its own, so that Ctrl-C reaches us first and stopping it stops its children.

    ``quiet`` drops what it says on standard output; warnings and errors come on standard error.
    """
    output, before = subprocess.DEVNULL if quiet else None, _end_with_parent()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdout=output,
        start_new_session=True,
        preexec_fn=before,  # noqa: PLW1509 - one system call that takes no lock
    )
    return Program(name, process)


def _end_with_parent() -> Callable[[], None] | None:
    """Return what makes Linux end the program when we are killed without a chance to stop it; None on other systems."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask


def require_free_port(host: str, port: int, purpose: str, option: str) -> None:
    """Raise a `MarketsimError` that names the way out when something listens on the port already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise MarketsimError(
                f"Port {port} for {purpose} cannot be opened on {host} ({error.strerror}); stop its user or choose another with {option}."
            ) from None


def wait_until_listening(program: Program, host: str, port: int, timeout_s: float) -> None:
    """Return once something accepts connections on the port.

    Raises
    ------
    MarketsimError
        The program ended first, or the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if program.ended:
            raise MarketsimError(f"{program.name} ended with code {program.process.returncode} before it was ready; its output is above.")
        try:
            with socket.create_connection((host, port), timeout=1.0):
                return
        except OSError:
            time.sleep(0.1)
    raise MarketsimError(f"{program.name} does not listen on {host}:{port} after {timeout_s:g} s; see its output above, or start it again.")
