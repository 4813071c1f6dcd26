"""Prove a published run: make it again from its configuration and its bars, and compare every table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.failures import json_option
from marketsim.cli.output import print_object, print_table
from marketsim.cli.run import progress_shown

if TYPE_CHECKING:
    from tasks.references import RunRef

NOT_THE_SAME = 1


@click.command(short_help="Prove that a run can be made again.")
@click.argument("run_id")
@click.option(
    "--config-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="Folder that relative paths of the configuration start from.",
)
@json_option
def reproduce(run_id: str, config_dir: Path, as_json: bool) -> None:
    """Run RUN_ID again from the configuration and the bars it published, and compare the digests of every table.

    Nothing is written to the warehouse. The exit code is 0 only when every table is identical.
    """
    import tempfile

    from tasks.code_version import code_version
    from tasks.pipeline import finish
    from warehouse import reader
    from warehouse.settings import root

    published = reader.manifest(root(), run_id)
    with tempfile.TemporaryDirectory(prefix="marketsim-reproduce-") as folder, progress_shown() as progress:
        spec, recorded, run = _staged_again(root(), Path(folder), published.run_id, config_dir)
        outcome = finish(run, Path(folder), progress)
        again = reader.manifest(Path(folder), outcome.run_id)
    before, after = ({file.table: file.digest for file in manifest.tables} for manifest in (published, again))
    tables = [{"table": name, "published": before.get(name), "reproduced": after.get(name)} for name in {**before, **after}]
    identical = before == after
    now = code_version(spec)
    if as_json:
        print_object(
            {
                "run_id": published.run_id,
                "status": "identical" if identical else "different",
                "digest": published.digest,
                "reproduced_digest": again.digest,
                "code_version": recorded,
                "code_version_now": now,
                "timings_s": outcome.timings_s,
                "tables": [{**table, "identical": table["published"] == table["reproduced"]} for table in tables],
            }
        )
    else:
        _show(published.run_id, tables, identical)
        if recorded != now:
            click.echo(f"The code differs: published by {recorded}, reproduced by {now}.")
    click.get_current_context().exit(0 if identical else NOT_THE_SAME)


def _staged_again(root: Path, folder: Path, run_id: str, base_dir: Path) -> tuple[Any, str, RunRef]:
    """Stage a published run's input below another folder.

    Returns
    -------
    Its specification, the code version that published it, and the reference the remaining steps start from.
    """
    import pyarrow.compute as pc

    from marketsim.config.run import RunSpec
    from tasks.ingest import STEP
    from tasks.references import RunRef
    from warehouse import reader
    from warehouse.staging import Staging

    spec = RunSpec.model_validate_json(reader.table(root, run_id, "configs")["config_json"][0].as_py())
    recorded = reader.table(root, run_id, "runs").to_pylist()[0]
    staging = Staging(folder, run_id)
    for name in ("bars", "sources", "configs"):
        staging.write_table(name, reader.table(root, run_id, name))
    bars, sources = staging.read_table("bars"), staging.read_table("sources")
    missing = sources.filter(pc.not_equal(sources["error"], "")).to_pylist()
    run = RunRef(
        run_id=run_id,
        name=spec.name,
        base_dir=base_dir.resolve(),
        already_published=False,
        n_bars=bars.num_rows,
        n_symbols=recorded["n_symbols"],
        missing=tuple(f"{row['symbol']}: {row['error']}" for row in missing),
        has_trials=spec.sweep is not None,
    )
    # Table runs names the code that published it; what the code of today makes of the same input shows in every other table.
    payload = {"snapshot_digest": recorded["snapshot_digest"], "code_version": recorded["code_version"]}
    staging.mark(STEP, {"reference": run.model_dump(mode="json"), **payload})
    return spec, recorded["code_version"], run


def _show(run_id: str, tables: list[dict[str, Any]], identical: bool) -> None:
    rows = [
        (
            t["table"],
            "identical" if t["published"] == t["reproduced"] else "DIFFERS",
            *((t[k] or "missing")[:16] for k in ("published", "reproduced")),
        )
        for t in tables
    ]
    print_table(("table", "", "published", "reproduced"), rows)
    differing = [row[0] for row in rows if row[1] != "identical"]
    click.echo(
        f"Run {run_id}: every table is identical." if identical else f"Run {run_id} was not reproduced: {', '.join(differing)} differ."
    )
