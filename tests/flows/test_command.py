"""Flows as people start them: ``python -m flows.nightly [CONFIG]``, a process of its own with a server of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.settings import PROJECT
from warehouse import reader

CONFIG = """
name: small
symbols: [AAPL]
start: 2010-01-04
end: 2010-03-31
strategy: {kind: sma_crossover, fast: 3, slow: 8}
"""


def nightly(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the nightly flow with warehouse and Prefect home below ``folder``."""
    own = {"MARKETSIM_WAREHOUSE": str(folder / "warehouse"), "PREFECT_HOME": str(folder / "prefect"), "COLUMNS": "80"}
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | own
    command = [sys.executable, "-m", "flows.nightly", str(config)]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (CONFIG.replace("name:", "nmae:"), 2, "did you mean 'name'"),
        (CONFIG.replace("fast: 3", "fast: 30"), 2, "fast: 30 must be smaller than slow: 8"),
        ("", 2, "is empty"),
    ],
)
def test_a_faulty_configuration_is_told_before_any_server_starts(text: str, code: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    done = nightly(tmp_path / "run.yaml", tmp_path)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"run.yaml", "prefect"}


@pytest.mark.slow
def test_the_nightly_command_ends_with_a_summary_a_report_and_a_query(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(CONFIG, encoding="utf-8")
    done = nightly(tmp_path / "run.yaml", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    (run,) = reader.runs(tmp_path / "warehouse")
    stages = [f"{stage}: " for stage in ("ingest", "validate", "simulate", "report", "publish")]
    places = [done.stdout.index(stage) for stage in stages]
    assert places == sorted(places)
    assert f"small · run {run.run_id}" in done.stdout
    assert str(tmp_path / "warehouse" / "runs" / run.run_id / "report.html") in done.stdout
    assert 'sql "SELECT agent, value FROM metrics' in done.stdout
