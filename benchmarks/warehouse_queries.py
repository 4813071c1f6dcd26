"""Time the warehouse: publishing beside few and many runs, opening it, and queries on 50 million fills.

Run with `make bench` or `python benchmarks/warehouse_queries.py`; writes to a temporary folder and removes it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from machine import describe

from warehouse import catalog
from warehouse.publish import publish, publish_runs
from warehouse.schemas import TABLES
from warehouse.staging import Staging

N_SESSIONS = 2_520  # ten years
N_FILL_RUNS = 50
BATCH_ROWS = 250_000
DAY_NS = 86_400_000_000_000
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")

Row = tuple[str, str]


def timed(action: Callable[[], Any], repeats: int = 1) -> float:
    """Return the median seconds of an action."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def filled(table: str, n_rows: int, **columns: Any) -> pa.Table:
    """Return rows of a table with the given columns and something plain in the others."""
    plain: dict[str, Any] = {
        "string": lambda: pa.array(["x"]).take(pa.array(np.zeros(n_rows, np.int64))),
        "double": lambda: pa.array(np.round(np.linspace(1, 2, n_rows), 4)),
        "bool": lambda: pa.array(np.ones(n_rows, bool)),
    }
    arrays = []
    for column in TABLES[table].columns:
        if column.name in columns:
            arrays.append(pa.array(columns[column.name]).cast(column.type))
        elif str(column.type) in plain:
            arrays.append(plain[str(column.type)]())
        else:
            arrays.append(_counting(n_rows, column.type))
    return pa.Table.from_arrays(arrays, schema=TABLES[table].arrow)


def _counting(n_rows: int, type_: pa.DataType) -> pa.Array:
    """Return 0, 1, 2, … as numbers or dates, a day apart as times."""
    step = DAY_NS if pa.types.is_timestamp(type_) else 1
    whole = pa.array(np.arange(n_rows, dtype=np.int64) * step)
    return (whole.cast(pa.int32()) if pa.types.is_date(type_) else whole).cast(type_)


def stage_nightly(root: Path, run_id: str, tables: dict[str, pa.Table]) -> None:
    """Stage a run of the size of the nightly backtest."""
    staging = Staging(root, run_id)
    for name, rows in tables.items():
        staging.write_table(name, rows)
    staging.write_document("metrics.json", "{}")


def nightly_tables() -> dict[str, pa.Table]:
    """Return ten years of four symbols: 10,080 bars, 5,040 equity points, 400 fills, 120 metrics, 60 findings."""
    symbol = np.repeat(SYMBOLS, N_SESSIONS)
    opens = np.tile(np.arange(N_SESSIONS, dtype=np.int64) * DAY_NS, len(SYMBOLS))
    agents = np.repeat(["benchmark", "strategy"], N_SESSIONS)
    metric_names = [f"m{i:03d}" for i in range(60)]
    return {
        "runs": filled("runs", 1, parent_run_id=[""]),
        "configs": filled("configs", 1),
        "bars": filled("bars", len(symbol), symbol=symbol, open_utc=opens, close_utc=opens),
        "findings": filled("findings", 60, check_name=[f"c{i:02d}" for i in range(60)]),
        "orders": filled("orders", 400, order_id=np.arange(400)),
        "fills": filled("fills", 400, fill_id=np.arange(400)),
        "equity": filled("equity", 2 * N_SESSIONS, agent=agents, close_utc=np.tile(opens[:N_SESSIONS], 2)),
        "metrics": filled("metrics", 120, agent=np.repeat(["benchmark", "strategy"], 60), metric=metric_names * 2),
        "health": filled("health", 4, gate=list("abcd")),
    }


def fill_batches(n_rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """Yield the fills of one run over 500 symbols and ten years, in order of time."""
    random = np.random.default_rng(seed)
    symbols = pa.array([f"S{i:03d}" for i in range(500)])
    for start in range(0, n_rows, BATCH_ROWS):
        n = min(BATCH_ROWS, n_rows - start)
        number = np.arange(start, start + n)
        session = number * N_SESSIONS // n_rows
        price = np.round(100 + random.normal(0, 5, n), 2)
        qty = random.integers(1, 20, n) * 100.0
        table = filled(
            "fills",
            n,
            agent=pa.array(["strategy"]).take(pa.array(np.zeros(n, np.int64))),
            fill_id=number,
            order_id=number // 2,
            symbol=symbols.take(pa.array(random.integers(0, 500, n))),
            side=pa.array(["buy", "sell"]).take(pa.array(random.integers(0, 2, n))),
            fill_utc=session * DAY_NS,
            session_date=pa.array(session.astype(np.int32)),
            qty_shares=qty,
            price=price,
            reference_price=price,
            fee_cash=np.round(qty * 0.005, 2),
        )
        yield from table.to_batches()


def publishing(root: Path, n_runs: int) -> Iterator[Row]:
    """Time publications beside 10 and beside ``n_runs`` runs, and a reader's opening and first query."""
    tables = nightly_tables()
    count = 0

    def stage_next() -> str:
        nonlocal count
        count += 1
        stage_nightly(root, f"n{count:05d}", tables)
        return f"n{count:05d}"

    def publish_next() -> float:
        run_id = stage_next()
        return timed(lambda: publish(root, run_id))

    yield "staging one nightly run", f"{timed(stage_next, 5) * 1e3:,.0f} ms"
    for target in (10, n_runs):
        many = [f"n{i:05d}" for i in range(1, count + 1)] + [stage_next() for _ in range(target - count)]
        seconds = timed(lambda runs=many: publish_runs(root, runs))
        yield f"publishing up to {target:,} runs in one commit", f"{seconds:,.2f} s"
        yield f"publishing one run beside {target:,}", f"{median(publish_next() for _ in range(5)) * 1e3:,.0f} ms"
        yield f"publishing a published run beside {target:,}", f"{timed(lambda: publish(root, 'n00001'), 5) * 1e3:,.0f} ms"
        yield f"opening the catalog of {target:,} runs", f"{timed(lambda: catalog.connect(root).close(), 5) * 1e3:,.0f} ms"
        newest = root / Path(root, "catalog.duckdb").readlink()
        yield "size of that catalog version", f"{newest.stat().st_size / 1e6:,.1f} MB"
        with catalog.connect(root) as connection:
            yield from queries(
                connection,
                {
                    f"metrics of one run of {target:,}": "SELECT metric, value FROM metrics WHERE run_id = 'n00007'",
                    f"latest_metrics over {target:,} runs": "SELECT name, metric, value FROM latest_metrics",
                    f"equity of one run of {target:,}": "SELECT close_utc, equity_cash FROM equity WHERE run_id = 'n00007'",
                    f"equity of all {target:,} runs, mean by agent": "SELECT agent, avg(equity_cash) FROM equity GROUP BY agent",
                },
            )


def fills(root: Path, n_rows: int) -> Iterator[Row]:
    """Time publishing and querying ``n_rows`` fills in 50 runs."""
    run = filled("runs", 1, parent_run_id=[""])
    run_ids = [f"f{i:02d}" for i in range(N_FILL_RUNS)]
    started = time.perf_counter()
    for i, run_id in enumerate(run_ids):
        staging = Staging(root, run_id)
        staging.write_table("runs", run)
        staging.write_batches("fills", fill_batches(n_rows // N_FILL_RUNS, seed=i))
    yield f"making and staging {n_rows / 1e6:,.0f} M fills", f"{time.perf_counter() - started:,.1f} s"
    yield "verifying and publishing them in one commit", f"{timed(lambda: publish_runs(root, run_ids)):,.1f} s"
    n_bytes = sum(path.stat().st_size for path in (root / "tables/fills").rglob("*.parquet"))
    yield "their Parquet files", f"{n_bytes / 1e9:,.2f} GB, {n_bytes / n_rows:,.1f} bytes a row"
    day = dt.date(1970, 1, 1) + dt.timedelta(days=1000)
    money = "sum(qty_shares * price), sum(fee_cash)"
    one_session = f"session_date = DATE '{day}'"
    one_day = f"fill_utc >= '{day}' AND fill_utc < '{day + dt.timedelta(1)}'"
    with catalog.connect(root) as connection:
        yield from queries(
            connection,
            {
                "count of all fills": "SELECT count(*) FROM fills",
                "notional and fees of all fills by side": f"SELECT side, {money} FROM fills GROUP BY side",
                "the same by symbol": f"SELECT symbol, {money} FROM fills GROUP BY symbol",
                "the same by run and session": f"SELECT run_id, session_date, {money} FROM fills GROUP BY ALL",
                "one session of all runs": f"SELECT run_id, {money} FROM fills WHERE {one_session} GROUP BY run_id",
                "one day of all runs by fill_utc": f"SELECT run_id, {money} FROM fills WHERE {one_day} GROUP BY run_id",
                "costs of one run (view trade_costs)": "SELECT symbol, total_cost_cash FROM trade_costs WHERE run_id = 'f07'",
                "one symbol and session of one run": f"FROM fills WHERE run_id = 'f07' AND symbol = 'S007' AND {one_session}",
            },
        )


def queries(connection: duckdb.DuckDBPyConnection, named: dict[str, str]) -> Iterator[Row]:
    """Time queries, the median of five after a first one."""
    for name, sql in named.items():
        connection.execute(sql).fetchall()
        yield name, f"{timed(lambda sql=sql: connection.execute(sql).fetchall(), 5) * 1e3:,.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows-million", type=float, default=50.0, help="fills to query, million")
    parser.add_argument("--runs", type=int, default=1000, help="published runs, more than 20")
    options = parser.parse_args()
    print(describe("duckdb", "pyarrow"))
    with tempfile.TemporaryDirectory(prefix="warehouse-benchmark-") as folder:
        for part in (publishing(Path(folder, "runs"), options.runs), fills(Path(folder, "fills"), int(options.rows_million * 1e6))):
            for name, figure in part:
                print(f"{name:<56} {figure:>28}", flush=True)


if __name__ == "__main__":
    main()
