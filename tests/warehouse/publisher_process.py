"""A program that stages and publishes sample runs in forked children and kills them where it is told.

Reads one JSON object a line (``run_id``, and ``kill_step`` or ``kill_after_s``) and answers each with one: how the child ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from conftest import sample_tables

from warehouse.publish import publish
from warehouse.staging import Staging


def make(root: Path, order: dict[str, Any]) -> None:
    """Stage and publish one run, as a pipeline that may be resumed; die when a step of the name ``kill_step`` begins."""

    def progress(step: str) -> None:
        if step == order.get("kill_step"):
            os.kill(os.getpid(), signal.SIGKILL)

    staging = Staging(root, order["run_id"])
    if not staging.done("simulate"):
        for name, rows in sample_tables().items():
            staging.write_table(name, rows)
        staging.mark("simulate")
    if not staging.done("report"):
        staging.document("report.html").write_text("<p>report</p>")
        staging.mark("report")
    publish(root, order["run_id"], progress=progress)


def main() -> None:
    root = Path(sys.argv[1])
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                make(root, order)
            except BaseException as fault:  # the parent reports every failure by the exit code
                print(repr(fault), file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        if "kill_after_s" in order:
            time.sleep(order["kill_after_s"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "failed": os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0}), flush=True)


if __name__ == "__main__":
    main()
