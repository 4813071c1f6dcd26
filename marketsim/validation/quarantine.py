"""Bad bars set aside: one row a bar and reason, with the bar as it was received."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from marketsim.validation.check import Check, records
from marketsim.validation.suite import Rows
from marketsim.validation.tables import QUARANTINE


def quarantine_rows(checks: Sequence[Check], failing: Mapping[str, Rows], frame: pd.DataFrame, bars: pa.Table) -> pa.Table:
    """Return the failing bars of the quarantining checks with the reason in a sentence.

    Parameters
    ----------
    checks, failing : what was checked, and the labels of the rows that failed, by check.
    frame : rows that were checked; ``received`` is their place in ``bars``.
    bars : bars as received.
    """
    parts = []
    for check in checks:
        labels = failing[check.name]
        if not (check.quarantines and len(labels)):
            continue
        rows = frame.loc[list(labels)]
        taken = bars.take(rows["received"].to_numpy())
        parts.append(
            pa.table(
                [
                    taken.column("symbol").fill_null(""),
                    taken.column("open_utc"),
                    pa.repeat(pa.scalar(check.name), len(labels)),
                    [f"Found {check.found(row)}; expected {check.expected}." for row in records(rows)],
                    rows_json(taken),
                ],
                schema=QUARANTINE,
            )
        )
    return pa.concat_tables(parts) if parts else QUARANTINE.empty_table()


def sort_quarantine(parts: Sequence[pa.Table]) -> pa.Table:
    """Return the parts as one table in an order that does not depend on the order the bars arrived in."""
    keys = [(name, "ascending") for name in ("symbol", "open_utc", "check_name", "row_json")]
    return pa.concat_tables(parts).sort_by(keys).combine_chunks()


def rows_json(bars: pa.Table) -> list[str]:
    """Return each row as one line of JSON; dates and times as ISO text, NaN and infinities as text, missing values as null."""
    columns = {field.name: _plain(field.type, bars.column(field.name)) for field in bars.schema}
    return [json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False) for values in zip(*columns.values(), strict=True)]


def _plain(kind: pa.DataType, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_date32(kind):  # Arrow dates reach farther than Python's
        return [None if days is None else str(np.datetime64(days, "D")) for days in column.cast(pa.int32()).to_pylist()]
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.string()).to_pylist())
    if pa.types.is_floating(kind):
        return [value if value is None or math.isfinite(value) else str(value) for value in column.to_pylist()]
    return list(column.to_pylist())
