"""The digest of a table depends on what it says and on nothing else."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.digest import run_digest, table_digest
from warehouse.errors import WarehouseError

SCHEMA = pa.schema(
    {
        "number": pa.float64(),
        "count": pa.int64(),
        "text": pa.string(),
        "day": pa.date32(),
        "flag": pa.bool_(),
        "at": pa.timestamp("ns", tz="UTC"),
    }
)
ROWS = st.lists(
    st.tuples(
        st.none() | st.floats(),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.text(max_size=5),
        st.none() | st.dates(),
        st.none() | st.booleans(),
        st.none() | st.integers(-(2**62), 2**62),
    ),
    max_size=12,
)


def _table(rows: list[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


@given(ROWS, st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=60, deadline=None)
def test_digest_does_not_depend_on_chunks_and_slices(rows: list[tuple[object, ...]], cuts: list[int]) -> None:
    table = _table(rows)
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    pieces = [table.slice(start, end - start) for start, end in itertools.pairwise(edges)] or [table]
    padded = pa.concat_tables([_table([(1.0, 1, "x", None, True, 5)]), table, _table([(None, 2, "yy", None, None, 6)])])
    assert table_digest(pa.concat_tables(pieces)) == table_digest(table)
    assert table_digest(padded.slice(1, len(rows))) == table_digest(table)


@given(ROWS)
@settings(max_examples=25, deadline=None)
def test_digest_survives_parquet_of_any_settings(rows: list[tuple[object, ...]]) -> None:
    table = _table(rows)
    for options in ({"compression": "zstd"}, {"compression": "none", "use_dictionary": False, "row_group_size": 3, "version": "2.6"}):
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        assert table_digest(pq.read_table(file)) == table_digest(table)


@given(ROWS, ROWS)
@settings(max_examples=60, deadline=None)
def test_different_tables_have_different_digests(a: list[tuple[object, ...]], b: list[tuple[object, ...]]) -> None:
    def plain(rows: list[tuple[object, ...]]) -> list[list[object]]:  # NaN equal to itself, -0.0 unlike 0.0
        return [[repr(float(v)) if isinstance(v, float) else v for v in row] for row in rows]

    assert (table_digest(_table(a)) == table_digest(_table(b))) == (plain(a) == plain(b))


def test_null_is_neither_nan_nor_zero_nor_empty_text() -> None:
    numbers = [None, float("nan"), 0.0, -0.0]
    assert len({table_digest(pa.table({"x": pa.array([value], pa.float64())})) for value in numbers}) == 4
    assert table_digest(pa.table({"x": pa.array([None], pa.string())})) != table_digest(pa.table({"x": pa.array([""], pa.string())}))


def test_every_nan_counts_as_one() -> None:
    bits = [b"\x00\x00\x00\x00\x00\x00\xf8\x7f", b"\x01\x00\x00\x00\x00\x00\xf8\xff"]
    tables = [pa.table({"x": pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(b)])}) for b in bits]
    assert struct.unpack("<d", bits[1])[0] != struct.unpack("<d", bits[1])[0]
    assert table_digest(tables[0]) == table_digest(tables[1])


def test_text_cut_elsewhere_is_another_text() -> None:
    assert table_digest(pa.table({"x": ["ab", "c"]})) != table_digest(pa.table({"x": ["a", "bc"]}))


def test_names_types_and_order_of_columns_count() -> None:
    a, b = pa.array([1, 2]), pa.array([3, 4])
    tables = [
        pa.table({"a": a, "b": b}),
        pa.table({"b": b, "a": a}),
        pa.table({"a": b, "b": a}),
        pa.table({"a": a.cast(pa.int32()), "b": b}),
    ]
    assert len({table_digest(table) for table in tables}) == 4


def test_dictionary_encoding_does_not_count() -> None:
    text = pa.array(["a", "b", None, "a"])
    assert table_digest(pa.table({"x": text.dictionary_encode()})) == table_digest(pa.table({"x": text}))


def test_digest_of_one_column_by_hand() -> None:
    def sha(content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    column = ["x", "int64", sha(b"\x00\x01"), sha(b""), sha(struct.pack("<qq", 7, 0))]
    by_hand = sha(json.dumps([2, [column]], separators=(",", ":")).encode())
    assert table_digest(pa.table({"x": pa.array([7, None])})) == by_hand


def test_nested_columns_are_refused_by_name() -> None:
    with pytest.raises(WarehouseError, match="Column levels has type list"):
        table_digest(pa.table({"levels": pa.array([[1]])}))


def test_digest_of_a_run_ignores_the_order_of_tables() -> None:
    assert run_digest({"a": "1", "b": "2"}) == run_digest({"b": "2", "a": "1"})
    assert run_digest({"a": "1", "b": "2"}) != run_digest({"a": "2", "b": "1"})
