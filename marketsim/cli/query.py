"""Asking the warehouse: which runs there are, any SQL, where a report is, how two runs differ."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Any

import click

from marketsim.cli.failures import json_option
from marketsim.cli.output import print_object, print_table

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 200


@click.command(short_help="List the published runs, newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Most runs to list.")
@click.option("--name", help="Only runs of this name.")
@json_option
def runs(limit: int, name: str | None, as_json: bool) -> None:
    """List the published runs, newest first."""
    from warehouse import reader
    from warehouse.settings import root

    found = reader.runs(root(), name=name, limit=limit)
    if as_json:
        keys = ("run_id", "name", "status", "market", "horizon", "start_date", "end_date", "parent_run_id", "digest", "published_utc")
        print_object({"runs": [{key: getattr(record, key) for key in keys} for record in found]})
    elif found:
        rows = [
            (
                r.run_id,
                r.name,
                r.status,
                r.market,
                r.horizon,
                f"{r.start_date} – {r.end_date}",
                f"{r.published_utc:%Y-%m-%d %H:%M}",
                r.digest[:12],
            )
            for r in found
        ]
        print_table(("run", "name", "status", "market", "horizon", "sessions", "published (UTC)", "digest"), rows)
    else:
        click.echo(f"No run{f' named {name}' if name else ''} is published in {root()}; `marketsim run CONFIG` publishes one.", err=True)


@click.command(short_help="Ask the warehouse one SQL question.")
@click.argument("query")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values with a heading line; NULL is an empty field.")
@click.option(
    "--max-rows", type=click.IntRange(min=1), help=f"Most rows to print; a table shows {SHOWN_ROWS} if left out, CSV and JSON all."
)
def sql(query: str, as_json: bool, as_csv: bool, max_rows: int | None) -> None:
    """Ask the warehouse one SQL question; QUERY is a SELECT in DuckDB's SQL, or - to read it from standard input.

    `marketsim sql "SHOW TABLES"` lists what there is to ask; times are UTC.
    """
    from warehouse import reader
    from warehouse.settings import root

    if as_json and as_csv:
        raise click.UsageError("Choose --json or --csv, not both.")
    limit = max_rows or (None if as_json or as_csv else SHOWN_ROWS)
    text = sys.stdin.read() if query == "-" else query
    answer = reader.query(root(), text, max_rows=None if limit is None else limit + 1)
    more = limit is not None and answer.num_rows > limit
    columns, rows = _python_rows(answer.slice(0, limit))
    if as_json:
        print_object({"columns": columns, "rows": [dict(zip(columns, row, strict=True)) for row in rows], "truncated": more})
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    else:
        print_table(columns, rows)
        count = f"({len(rows):,} row{'' if len(rows) == 1 else 's'})"
        click.echo(f"… more than {limit:,} rows; raise --max-rows or add a WHERE." if more else count)
    if more and as_csv:
        click.echo(f"more than {limit:,} rows; raise --max-rows for the rest.", err=True)


@click.command(short_help="Print the path of a run's HTML report.")
@click.argument("run", required=False)
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser as well.")
@json_option
def report(run: str | None, open_it: bool, as_json: bool) -> None:
    """Print the path of a run's HTML report; RUN left out = the newest run."""
    from marketsim.errors import MarketsimError
    from warehouse import reader
    from warehouse.settings import root

    run_id = run or reader.latest_run_id(root())
    if run_id is None:
        raise MarketsimError(f"No run is published in {root()}; `marketsim run CONFIG` publishes one.")
    found = reader.run(root(), run_id).run_id
    path = reader.document(root(), found, "report.html").resolve()
    if as_json:
        print_object({"run_id": found, "report": str(path)})
    else:
        click.echo(str(path))
    if open_it and click.launch(path.as_uri()) != 0:
        raise MarketsimError(f"No browser could be started; open {path} yourself.")


def _python_rows(table: pa.Table) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return headings, each once, and rows of plain Python values; times to the nanosecond are text where they need it."""
    names: list[str] = []
    for name in table.column_names:
        names.append(next(n for k in range(len(names) + 1) if (n := f"{name}_{k}" if k else name) not in names))
    columns = [_to_python(column) for column in table.columns]
    return names, list(zip(*columns, strict=True))


def _to_python(column: pa.ChunkedArray) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        # Python's own times end at the microsecond.
        whole = pa.timestamp("us", column.type.tz)
        try:
            return list(column.cast(whole).to_pylist())
        except pa.ArrowInvalid:
            return list(column.cast(pa.string()).to_pylist())
    return list(column.to_pylist())
