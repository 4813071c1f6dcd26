"""What an experiment found as Arrow tables; ``size_lot`` is the metaorder's, NULL where an agent of the market was taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from marketsim.impact.measures import MEASURES, Impact
from marketsim.impact.pairs import FloatArray, Pair

UTC_NS = pa.timestamp("ns", tz="UTC")


def path_table(impacts: Mapping[int | None, Impact]) -> pa.Table:
    """Return the mean price difference through time with its 95 % band, bps, one row a size and time."""
    return pa.concat_tables(
        pa.table(
            {
                "size_lot": _repeated(size, len(impact.path.time_ns)),
                "time_utc": pa.array(impact.path.time_ns, UTC_NS),
                **{name: _numbers(getattr(impact.path, name)) for name in ("mean_bps", "low_bps", "high_bps")},
            }
        )
        for size, impact in impacts.items()
    )


def pairs_table(impacts: Mapping[int | None, Impact], pairs: Sequence[Sequence[Pair]]) -> pa.Table:
    """Return every measure of every pair, one row a size and seed."""
    return pa.concat_tables(
        pa.table(
            {
                "size_lot": _repeated(size, len(own)),
                "seed": pa.array([pair.seed for pair in own], pa.int64()),
                "net_lot": pa.array([pair.net_lot for pair in own], pa.int64()),
                "traded_lot": pa.array([int(np.abs(pair.fill_lot).sum()) for pair in own], pa.int64()),
                "n_fills": pa.array([len(pair.fill_lot) for pair in own], pa.int64()),
                **{name: _numbers(values) for name, values in impact.by_pair.items()},
            }
        )
        for (size, impact), own in zip(impacts.items(), pairs, strict=True)
    )


def measures_table(impacts: Mapping[int | None, Impact]) -> pa.Table:
    """Return every measure's mean over the pairs with its 95 % interval, one row a size and measure."""
    found = [(size, name, unit, getattr(impact, name)) for size, impact in impacts.items() for name, (_, unit) in MEASURES.items()]
    return pa.table(
        {
            "size_lot": pa.array([size for size, *_ in found], pa.int64()),
            "measure": [name for _, name, _, _ in found],
            "unit": [unit for _, _, unit, _ in found],
            **{column: _numbers([getattr(e, column) for *_, e in found]) for column in ("mean", "low", "high")},
            "n_pairs": pa.array([e.n for *_, e in found], pa.int64()),
        }
    )


def _repeated(size: int | None, n: int) -> pa.Array:
    return pa.array([size] * n, pa.int64())


def _numbers(values: Sequence[float] | FloatArray) -> pa.Array:
    return pa.array(np.asarray(values, np.float64), pa.float64(), from_pandas=True)
