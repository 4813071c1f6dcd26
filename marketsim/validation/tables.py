"""The two tables that validation writes, as Arrow schemas."""

from __future__ import annotations

import pyarrow as pa


def _fields(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns])


FINDINGS = _fields(
    ("check_name", pa.string()),
    ("symbol", pa.string()),
    ("column_name", pa.string()),
    ("severity", pa.string()),
    ("success", pa.bool_()),
    ("n_checked", pa.int64()),
    ("n_unexpected", pa.int64()),
    ("unexpected_pct", pa.float64()),
    ("observed", pa.string()),
    ("message", pa.string()),
)

QUARANTINE = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("open_utc", pa.timestamp("ns", tz="UTC")),
        pa.field("check_name", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("row_json", pa.string(), nullable=False),
    ]
)
