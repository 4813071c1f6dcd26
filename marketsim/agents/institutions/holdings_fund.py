"""A fund that follows a holdings file: share counts by date, as actively managed funds publish them every evening (ARK does).

The file is read before the simulation and turned into targets, a row a session; in every session the fund trades in equal steps from
what it holds to that session's row. A date without a file row repeats the last one before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from marketsim.agents.compiled import compiled_agent
from marketsim.agents.institutions.basket import BASKET, MOST_SYMBOLS, BasketParams, steps_due, trade_step, wake_for_step
from marketsim.errors import ConfigError
from marketsim.kernel.simulation.sight import position_lot, session_now

MOST_TARGETS = 16_384  # sessions times symbols
SYMBOL_COLUMNS = ("symbol", "ticker")


class HoldingsFundParams(BasketParams):
    """Parameters of a `holdings_fund`; `holdings_targets` makes ``target_lot`` from a file."""

    kind: Literal["holdings_fund"] = "holdings_fund"
    n_symbols: int = Field(gt=0, le=MOST_SYMBOLS, description="How many symbols it trades: the market's first.")
    target_lot: tuple[int, ...] = Field(
        min_length=1,
        max_length=MOST_TARGETS,
        description="Holdings, lots: those of the first session's end symbol by symbol, then the next.",
    )

    @model_validator(mode="after")
    def _rows_are_whole(self) -> Self:
        if len(self.target_lot) % self.n_symbols:
            raise ValueError(
                f"target_lot has {len(self.target_lot)} numbers, no multiple of n_symbols {self.n_symbols}; give whole sessions"
            )
        return self


def holdings_targets(
    file: Path, symbols: Sequence[str], dates: Sequence[dt.date], *, fund: str | None = None, lot_shares: float = 1.0
) -> tuple[int, ...]:
    """Read a holdings file and return the targets of a fund.

    Parameters
    ----------
    file : CSV or Parquet with the columns date, symbol (or ticker) and shares, and fund if there are several
    symbols : of the market, in its order; the file's others are left out
    dates : of the sessions, ascending
    fund : whose rows count; None where the file has no such column
    lot_shares : shares a lot; holdings are rounded to whole lots

    Returns
    -------
    tuple of int
        len(dates) * len(symbols) numbers of lots, date by date. A symbol that is missing on a date that the file has is not held then.

    Raises
    ------
    ConfigError
        The file is missing, lacks a column or the fund, has nothing up to the first date, or counts a holding twice.
    """
    table = _read(file)
    names = {name.strip().lower(): name for name in table.column_names}
    symbol = next((names[name] for name in SYMBOL_COLUMNS if name in names), None)
    missing = [name for name in ("date", "shares", *(("fund",) if fund is not None else ())) if name not in names]
    if missing or symbol is None:
        lacks = ", ".join(missing + (["symbol"] if symbol is None else []))
        raise ConfigError(f"holdings file {file} has the columns {', '.join(table.column_names)}, but lacks {lacks}; rename or add them.")
    if fund is not None:
        table = table.filter(pc.equal(table.column(names["fund"]), fund))
        if table.num_rows == 0:
            raise ConfigError(f"holdings file {file} has no rows of the fund {fund}; name one that it has.")
    wanted = ((names["date"], pa.date32()), (symbol, pa.string()), (names["shares"], pa.float64()))
    try:
        columns = [table.column(name).cast(kind) for name, kind in wanted]
    except pa.ArrowInvalid as error:
        raise ConfigError(f"holdings file {file} has a value that is no date or no number: {error}; correct the file.") from error
    rows: dict[dt.date, dict[str, float]] = {}
    for date, name, shares in zip(*(column.to_pylist() for column in columns), strict=True):
        held = rows.setdefault(date, {})
        if name in symbols and name in held:
            raise ConfigError(f"holdings file {file} has {name} twice on {date}; keep one row, or choose one fund.")
        held[name] = shares or 0.0
    return tuple(round(held.get(name, 0.0) / lot_shares) for held in _carried_forward(file, rows, dates) for name in symbols)


def _read(file: Path) -> pa.Table:
    if not file.is_file():
        raise ConfigError(f"holdings file {file} is not there; correct the path.")
    try:
        return pq.read_table(file) if file.suffix == ".parquet" else pacsv.read_csv(file)
    except pa.ArrowInvalid as error:
        raise ConfigError(f"holdings file {file} cannot be read: {error}; give a CSV or Parquet file.") from error


def _carried_forward(file: Path, rows: dict[dt.date, dict[str, float]], dates: Sequence[dt.date]) -> list[dict[str, float]]:
    known = sorted(rows)
    found = []
    for date in dates:
        before = [day for day in known if day <= date]
        if not before:
            raise ConfigError(
                f"holdings file {file} begins on {known[0] if known else 'no date'}, after the session of {date}; start later."
            )
        found.append(rows[before[-1]])
    return found


@compiled_agent(HoldingsFundParams, BASKET)
def holdings_fund(market, me, p, state):
    """Trade towards the session's row until it ends; sessions after the last row leave the fund as it is."""
    if p.n_symbols > market.n_symbols:
        raise ValueError("the fund has more symbols than the market")
    steps = steps_due(market, me, p)
    is_behind = False
    session = session_now(market, me)
    if steps > 0 and session < p.n_target_lot // p.n_symbols:
        if state.session != session + 1:
            state.session = session + 1
            # Symbols before the k-th have their targets.
            for k in range(p.n_symbols):
                state.from_lot[k] = position_lot(market, me, k)
                state.target_lot[k] = p.target_lot[session * p.n_symbols + k]
        is_behind = trade_step(market, me, p, state.target_lot, state.from_lot, p.n_symbols, steps)
    wake_for_step(market, me, p, steps, is_behind)
