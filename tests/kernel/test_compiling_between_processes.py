"""Several processes that need the same compiled function at once: one compiles it, the others read what it left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from numba import types

from marketsim.kernel.compile import cached_in, machine_address
from shared_step import step

compiled = cached_in(Path(sys.argv[1]) / "kept", step)
assert machine_address(compiled, types.int64) != 0
print(sum(compiled.stats.cache_misses.values()))
"""

STEP = """
def step(n):
    total = 0
    for k in range(n):
        total += k * k
    return total
"""


def test_three_processes_compile_a_function_once(tmp_path: Path) -> None:
    (tmp_path / "shared_step.py").write_text(STEP, encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    ended = [process.communicate(timeout=300) for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], ended
    assert sorted(out.strip() for out, _ in ended) == ["0", "0", "1"]
