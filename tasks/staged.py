"""What every step needs of a run under way: its staging folder, its specification, and whether the step is finished already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from marketsim.config.run import RunSpec
from tasks.references import Reference
from warehouse import durable
from warehouse.errors import explained
from warehouse.staging import Staging
from warehouse.table_stream import TableStream

if TYPE_CHECKING:
    from marketsim.replay.stream import Stream

Progress = Callable[[str], None]
R = TypeVar("R", bound=Reference)

CLEAN = "clean.arrow"


def silent(_: str) -> None:
    """Hear a progress sentence and say nothing."""


def finished(staging: Staging, step: str, kind: type[R]) -> R | None:
    """Return the reference a finished step left, or None when it must run: never ran, was killed, or its files are damaged."""
    return kind.model_validate(staging.payload(step)["reference"]) if staging.done(step) else None


def spec_of(staging: Staging) -> RunSpec:
    """Return the resolved specification of a staged run."""
    return RunSpec.model_validate_json(staging.read_table("configs")["config_json"][0].as_py())


def base_dir_of(staging: Staging) -> Path:
    """Return the folder that relative paths of the run's configuration start from."""
    return Path(staging.payload("ingest")["reference"]["base_dir"])


def recorded_of(staging: Staging, spec: RunSpec) -> Stream | None:
    """Return the order flow that a replay run plays, read again from the files it was ingested from; None for other markets."""
    if spec.market.kind != "replay":
        return None
    from marketsim.replay.library import recorded_stream

    return recorded_stream(spec, base_dir_of(staging), staging.read_table("sources"))


@contextmanager
def streams(staging: Staging) -> Iterator[Callable[[str, pa.RecordBatch], None]]:
    """Lend what takes rows of any table, a batch at a time; the tables appear together when the block ends well, or not at all."""
    with ExitStack() as stack:
        under_way: dict[str, TableStream] = {}

        def sink(name: str, rows: pa.RecordBatch) -> None:
            if name not in under_way:
                under_way[name] = stack.enter_context(staging.stream(name))
            under_way[name].write(rows)

        yield sink


def write_clean(staging: Staging, clean: pa.Table) -> str:
    """Keep the bars that may be simulated, beside what will be published, and return their file's sha256."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, clean.schema) as writer:
        writer.write_table(clean)
    path = _clean_path(staging)
    durable.write_atomic(path, sink.getvalue().to_pybytes())
    return durable.sha256_of(path)


def has_clean(staging: Staging, sha256: str) -> bool:
    """Whether the clean bars are still what `write_clean` kept."""
    path = _clean_path(staging)
    return path.is_file() and durable.sha256_of(path) == sha256


def read_clean(staging: Staging) -> pa.Table:
    """Return the bars that may be simulated."""
    path = _clean_path(staging)
    with explained(f"read the clean bars of run {staging.run_id}", path), pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _clean_path(staging: Staging) -> Path:
    return staging.folder / "work" / CLEAN
