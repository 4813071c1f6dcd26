"""Ingest: read the configuration, fetch its bars, and open the run's staging folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from marketsim.config.file import load_runnable
from marketsim.config.run import RunSpec, run_id
from marketsim.data.ingest import Snapshot
from marketsim.data.ingest import ingest as ingest_bars
from tasks.code_version import code_version
from tasks.references import RunRef, RunRequest
from tasks.staged import Progress, finished, silent
from warehouse import catalog
from warehouse.run_tables import CONFIGS
from warehouse.staging import Staging

STEP = "ingest"


def ingest(request: RunRequest, root: Path, progress: Progress = silent) -> RunRef:
    """Stage the input of a run, unless the run is published already.

    Parameters
    ----------
    request : which run.
    root : folder of the warehouse; answers of remote providers are cached below it.

    Returns
    -------
    The run's identity, which is a hash of configuration, data and code, and how much there is of it.

    Raises
    ------
    ConfigError, DataError
        The configuration cannot be honoured, or no traded symbol has bars.
    """
    spec = load_runnable(request.config, request.overrides)
    base_dir = request.config.resolve().parent
    snapshot = ingest_bars(spec, base_dir=base_dir, cache_dir=root / "cache", progress=progress)
    code = code_version(spec)
    identity = run_id(spec, snapshot.digest, code)
    if _is_published(root, identity):
        progress(f"run {identity} is already published; nothing new")
        return _reference(spec, snapshot, identity, base_dir, already_published=True)
    staging = Staging(root, identity)
    if (before := finished(staging, STEP, RunRef)) is not None:
        progress(f"run {identity} is staged already; going on where it stopped")
        return before
    staging.write_table("bars", snapshot.bars)
    staging.write_table("sources", snapshot.sources)
    staging.write_table(
        "configs", pa.Table.from_pylist([{"config_digest": spec.digest, "config_json": spec.canonical_json()}], CONFIGS.arrow)
    )
    reference = _reference(spec, snapshot, identity, base_dir, already_published=False)
    staging.mark(STEP, {"reference": reference.model_dump(mode="json"), "snapshot_digest": snapshot.digest, "code_version": code})
    return reference


def _reference(spec: RunSpec, snapshot: Snapshot, identity: str, base_dir: Path, *, already_published: bool) -> RunRef:
    missing = snapshot.sources.filter(pc.not_equal(snapshot.sources["error"], ""))
    received = set(snapshot.bars["symbol"].unique().to_pylist())
    return RunRef(
        run_id=identity,
        name=spec.name,
        base_dir=base_dir,
        already_published=already_published,
        n_bars=snapshot.bars.num_rows,
        n_symbols=sum(symbol in received for symbol in spec.symbols) if spec.reads_data else len(spec.symbols),
        missing=tuple(f"{row['symbol']}: {row['error']}" for row in missing.to_pylist()),
        has_trials=spec.sweep is not None,
    )


def _is_published(root: Path, run_id: str) -> bool:
    """Whether readers see the run."""
    with catalog.connect(root) as connection:
        return connection.execute("SELECT 1 FROM publications WHERE run_id = ?", [run_id]).fetchone() is not None
