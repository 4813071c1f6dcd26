"""Looking after the warehouse: where it is, whether it is whole, making it smaller, making its catalog anew."""

from __future__ import annotations

import click

from marketsim.cli.failures import json_option, printable
from marketsim.cli.output import print_object

NOT_WHOLE = 1


@click.group()
def warehouse() -> None:
    """Look after the warehouse."""


@warehouse.command()
@json_option
def path(as_json: bool) -> None:
    """Print the folder of the warehouse and its newest catalog version."""
    from warehouse import catalog
    from warehouse.settings import root

    place, version = root().resolve(), catalog.current(root())
    if as_json:
        print_object({"path": str(place), "catalog_version": version})
    else:
        click.echo(str(place))


@warehouse.command()
@click.option("--quick", is_flag=True, help="Compare sizes only; do not read every file.")
@json_option
def verify(quick: bool, as_json: bool) -> None:
    """Look for what is missing, changed or left over; the exit code is 1 when something is."""
    from warehouse import reader
    from warehouse.settings import root
    from warehouse.verify import verify as problems_of

    problems = problems_of(root(), content=not quick)
    if as_json:
        found = [{"kind": p.kind, "path": str(p.path), "message": p.message} for p in problems]
        print_object({"status": "problems" if problems else "ok", "problems": found})
    elif problems:
        for problem in problems:
            click.echo(printable(f"{problem.kind}: {problem.message}"))
    else:
        click.echo(f"{root()}: {len(reader.runs(root())):,} runs, every file as it was published.")
    click.get_current_context().exit(NOT_WHOLE if problems else 0)


@warehouse.command()
@click.option("--keep", type=click.IntRange(min=1), default=10, show_default=True, help="Newest catalog versions to keep.")
@json_option
def compact(keep: int, as_json: bool) -> None:
    """Remove old catalog versions, abandoned staging folders and files no kept version lists; no published run is lost."""
    from warehouse.maintenance import compact as compacted
    from warehouse.settings import root

    done = compacted(root(), keep_versions=keep)
    if as_json:
        leftovers = [str(place) for place in done.leftovers]
        removed = {"versions": done.versions, "staging": [place.name for place in done.stale], "leftovers": leftovers}
        print_object({"status": "ok", "n_bytes_freed": done.n_bytes_freed, **removed})
    else:
        what = f"{len(done.versions)} old catalog versions, {len(done.stale)} abandoned staging folders, {len(done.leftovers)} leftovers"
        click.echo(f"Removed {what}: {done.n_bytes_freed / 1e6:,.1f} MB.")


@warehouse.command()
@json_option
def rebuild(as_json: bool) -> None:
    """Make a new catalog from the runs' manifests, for when the catalog is lost or damaged."""
    from warehouse.maintenance import rebuild as rebuilt
    from warehouse.settings import root

    version = rebuilt(root())
    if as_json:
        print_object({"status": "ok", "catalog_version": version})
    else:
        click.echo(f"Catalog version {version} was made from the manifests.")
