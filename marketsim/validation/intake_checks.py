"""Checks of the table as it arrived: its columns, its symbols and its order."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from marketsim.data.bars import SCHEMA
from marketsim.validation import expectations as gxe
from marketsim.validation.check import Check
from marketsim.validation.words import some, when


def schema_frame(schema: pa.Schema) -> pd.DataFrame:
    """Return one row a column, wanted or found: its name, the Arrow type expected and the one found; "none" where there is none."""
    wanted = {field.name: str(field.type) for field in SCHEMA}
    found: dict[str, list[str]] = {}
    for field in schema:
        found.setdefault(field.name, []).append(str(field.type))
    names = [*wanted, *(name for name in found if name not in wanted)]
    return pd.DataFrame(
        {
            "column": names,
            "expected_type": [wanted.get(name, "none") for name in names],
            "found_type": [" and ".join(found.get(name, ["none"])) for name in names],
        }
    )


def schema_check() -> Check:
    """Return the check that every column is there with its type, and no other."""
    return Check(
        name="schema",
        columns=(),
        expectations=(gxe.ExpectColumnPairValuesToBeEqual(column_A="found_type", column_B="expected_type"),),
        severity="critical",
        expected="the canonical name and type",
        remedy="map the source's columns to canonical bars",
        found=lambda row: f"{row['column']} is {row['found_type']} instead of {row['expected_type']}",
    )


def known_symbols(symbols: Sequence[str]) -> Check:
    """Return the check that no bar belongs to a symbol outside the run."""
    return Check(
        name="known_symbols",
        columns=("symbol",),
        expectations=(
            gxe.ExpectColumnValuesToNotBeNull(column="symbol"),
            gxe.ExpectColumnValuesToBeInSet(column="symbol", value_set=list(symbols)),
        ),
        severity="error",
        expected=f"a symbol of the run ({some(list(symbols[:5]), len(symbols))})",
        remedy="ask for the symbol or leave its rows out",
        found=lambda row: f"symbol {row['symbol']} was not asked for" if isinstance(row["symbol"], str) else "symbol is missing",
        quarantines=True,
    )


def time_order() -> Check:
    """Return the check that a symbol's rows arrive in the order of time; they are sorted in any case."""
    return Check(
        name="time_order",
        columns=("open_utc",),
        expectations=(gxe.expect_order("open_utc", "previous_open_utc"),),
        severity="warning",
        expected="a time no earlier than the symbol's row before",
        remedy="nothing to do for this run, the bars were sorted; check how the source writes its rows",
        found=lambda row: f"the bar of {when(row)} arrived after a later one",
    )
