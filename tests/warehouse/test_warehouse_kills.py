"""Publishers are killed at every step and at random moments while two readers look on: nobody ever sees part of a run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from warehouse import reader
from warehouse.verify import verify

HERE = Path(__file__).parent
STEPS_BEFORE_THE_SWITCH = ["verify runs", "verify trials", "journal", "place runs", "place metrics", "place documents", "catalog", "switch"]
N_KILLS = 30


@contextmanager
def _program(name: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
    command = [sys.executable, str(HERE / name), str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def _ask(publisher: subprocess.Popen[str], **order: Any) -> dict[str, bool]:
    assert publisher.stdin is not None
    assert publisher.stdout is not None
    publisher.stdin.write(json.dumps(order) + "\n")
    publisher.stdin.flush()
    answer: dict[str, bool] = json.loads(publisher.stdout.readline())
    assert not answer["failed"]
    return answer


def _finish(watcher: subprocess.Popen[str]) -> dict[str, Any]:
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    watcher.stdin.close()
    answer: dict[str, Any] = json.loads(watcher.stdout.readline())
    return answer


@pytest.mark.slow
def test_killed_publishers_lose_nothing_and_readers_notice_nothing(tmp_path: Path) -> None:
    root = tmp_path / "data"
    chance = random.Random(7)
    published: list[str] = []
    with (
        _program("publisher_process.py", root) as publisher,
        _program("reader_process.py", root) as one,
        _program("reader_process.py", root) as two,
    ):
        for step in STEPS_BEFORE_THE_SWITCH:  # the very first publication, killed again and again
            assert _ask(publisher, run_id="first", kill_step=step)["killed"]
            assert reader.runs(root) == []
        started = time.monotonic()
        assert not _ask(publisher, run_id="first")["killed"]
        usual_s = time.monotonic() - started
        published.append("first")
        assert _ask(publisher, run_id="second", kill_step="tidy")["killed"]  # after the switch: published, staging left behind
        published.append("second")
        assert sorted(record.run_id for record in reader.runs(root)) == sorted(published)
        n_killed = len(STEPS_BEFORE_THE_SWITCH) + 1
        while n_killed < N_KILLS:
            run_id = f"r{len(published)}"
            killed = _ask(publisher, run_id=run_id, kill_after_s=chance.uniform(0.0, usual_s))["killed"]
            seen = {record.run_id for record in reader.runs(root)}
            assert set(published) <= seen <= {*published, run_id}
            n_killed += killed
            published += [] if killed else [run_id]
        published.append(f"r{len(published)}")
        assert not _ask(publisher, run_id=published[-1])["killed"]
        answers = [_finish(watcher) for watcher in (one, two)]
    for answer in answers:
        assert answer["wrong"] == []
        assert answer["n_looks"] >= 10
        assert answer["n_runs"] == len(published)
    assert sorted(record.run_id for record in reader.runs(root)) == sorted(published)
    assert len({record.digest for record in reader.runs(root)}) == 1
    assert verify(root) == []
    assert list(root.glob(".catalog*")) == list(root.glob("catalog/.*")) == list(root.glob("staging/*")) == []
