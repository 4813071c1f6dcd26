"""SIGKILL the nightly flow at random moments while two readers query all the while.

A third of the kills come while it starts, a third during the steps, a third during the commit. After each kill the same run
is started again; when one gets through, the next seed is taken. At the end nothing may be missing, partial or damaged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from flows.processes import Program, require_free_port, start, wait_until_listening
from flows.settings import PROJECT
from warehouse.verify import verify

PORT = 4391
PHASES = ("starting", "steps", "commit")
STEPS = ("ingest", "validate", "simulate", "report")
LONGEST_START_S = 4.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of the flow and how it ended."""

    number: int
    seed: int
    phase: str
    seconds: float
    last_line: str
    resumed: int
    killed: bool


def main() -> int:
    """Kill, restart, look, and print what happened; return 0 when nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="marketsim-torture-") as folder:
        return torture(Path(folder), chosen.kills, random.Random(chosen.seed))


def torture(folder: Path, kills: int, moments: random.Random) -> int:
    """Run the whole test below ``folder``."""
    root, stop = folder / "warehouse", folder / "stop"
    environment = {
        **os.environ,
        "MARKETSIM_WAREHOUSE": str(root),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{PORT}/api",
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
    }
    require_free_port("127.0.0.1", PORT, "the test's Prefect server", "--port")
    server_environment = {**environment, "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(PORT), "--no-ui"]
    server = start("Prefect server", command, PROJECT, server_environment, quiet=True)
    programs = [server]
    try:
        wait_until_listening(server, "127.0.0.1", PORT, 180.0)
        readers = [reader(root, stop, environment) for _ in range(2)]
        programs += [Program("reader", process) for process in readers]
        attempts = kill_again_and_again(folder, kills, moments, environment)
        stop.touch()
        seen = [json.loads(process.communicate(timeout=120)[0]) for process in readers]
    finally:
        for program in reversed(programs):
            program.stop()
    return verdict(root, attempts, seen)


def reader(root: Path, stop: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a reader process."""
    command = [sys.executable, "-m", "tests.torture.reader", str(root), str(stop)]
    return subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, start_new_session=True)


def kill_again_and_again(folder: Path, kills: int, moments: random.Random, environment: dict[str, str]) -> list[Attempt]:
    """Start the flow until it was killed ``kills`` times, then let the run under way finish."""
    attempts: list[Attempt] = []
    seed = 1
    print(f"{'try':>3}  {'seed':>4}  {'kill while':<9}  {'after':>7}  {'steps resumed':>13}  last line")
    while sum(a.killed for a in attempts) < kills or attempts[-1].killed:
        n_killed = sum(a.killed for a in attempts)
        phase = PHASES[n_killed % len(PHASES)] if n_killed < kills else "never"
        attempt = attempt_run(len(attempts) + 1, config_with_seed(folder, seed), seed, phase, moments, environment)
        attempts.append(attempt)
        how = attempt.phase if attempt.killed else "(through)"
        print(
            f"{attempt.number:>3}  {seed:>4}  {how:<9}  {attempt.seconds:5.1f} s  {attempt.resumed:>13}  {attempt.last_line[:70]}",
            flush=True,
        )
        if not attempt.killed:
            seed += 1
    return attempts


def config_with_seed(folder: Path, seed: int) -> Path:
    """Write the shipped nightly configuration with another seed, so that each seed is a run of its own."""
    text = (PROJECT / "configs" / "nightly.yaml").read_text(encoding="utf-8")
    path = folder / f"seed_{seed}.yaml"
    path.write_text("\n".join(line if not line.startswith("seed:") else f"seed: {seed}" for line in text.splitlines()), encoding="utf-8")
    return path


def attempt_run(number: int, config: Path, seed: int, phase: str, moments: random.Random, environment: dict[str, str]) -> Attempt:
    """Start the flow and kill its whole process group at a random moment of the phase, or let it finish."""
    waits_for, delay_s = {
        "starting": ("", moments.uniform(0.0, LONGEST_START_S)),
        "steps": (f"{moments.choice(STEPS)}:", moments.uniform(0.0, 1.0)),
        "commit": (f"publish: {moments.choice(('verify', 'journal', 'place', 'catalog', 'switch', 'tidy'))}", moments.uniform(0.0, 0.05)),
        "never": ("no line says this", 0.0),
    }[phase]
    started = time.monotonic()
    command = [sys.executable, "-m", "flows.nightly", str(config)]
    process = subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    assert process.stdout is not None
    lines: list[str] = []
    killed = False
    if waits_for == "":
        time.sleep(delay_s)
        killed = kill(process)
    for line in process.stdout:
        lines.append(line.strip())
        if not killed and waits_for and waits_for in line:
            time.sleep(delay_s)
            killed = kill(process)
    code = process.wait()
    if not killed and code != 0:
        raise RuntimeError(f"the flow ended with code {code}:\n" + "\n".join(lines[-20:]))
    told = [line for line in lines if " s  " in line] or ["(nothing said yet)"]
    resumed = sum("already" in line for line in lines)
    return Attempt(number, seed, phase, time.monotonic() - started, told[-1], resumed, killed=killed and code == -signal.SIGKILL)


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill the process and its children as a loss of power would."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def verdict(root: Path, attempts: list[Attempt], seen: list[dict[str, object]]) -> int:
    """Print what the readers saw and what lies in the warehouse; return 0 when all is well."""
    finished = len({a.seed for a in attempts if not a.killed})
    problems = [str(problem) for problem in verify(root)]
    faults = [str(fault) for looks in seen for fault in looks["faults"]]  # type: ignore[attr-defined]
    missing = [f"{finished} runs got through, {looks['runs']} were seen" for looks in seen if looks["runs"] != finished]
    for number, looks in enumerate(seen, start=1):
        print(f"reader {number}: {looks['looks']} looks, {looks['runs']} runs, {len(looks['faults'])} faults")  # type: ignore[arg-type]
    print(f"{sum(a.killed for a in attempts)} kills, {finished} runs finished, {len(problems)} problems in the warehouse")
    for fault in [*faults, *missing, *problems]:
        print(f"  {fault}")
    if faults or missing or problems:
        print("NOT WELL: see above")
        return 1
    print("no partial run seen, nothing lost")
    return 0
