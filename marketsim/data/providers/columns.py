"""A file's columns read as numbers, session dates and instants; a value that cannot be read is named with its row."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from marketsim.errors import DataError

UTC_NS = pa.timestamp("ns", tz="UTC")

DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
COMPACT_DATE = r"^\d{8}$"
EPOCH = r"^\d{9,19}$"
INSTANT = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"

# Whole numbers are seconds, milli-, micro- or nanoseconds since 1970, told apart by their size (1973 to 2286 for each).
EPOCH_UNITS = ((10**8, "s"), (10**11, "ms"), (10**14, "us"), (10**17, "ns"))


class Column:
    """One column of one file, with what an error needs to point at a value in it."""

    def __init__(self, values: pa.ChunkedArray, name: str, source: str) -> None:
        self._values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
        self._name = name
        self._source = source

    def texts(self) -> pa.Array:
        """Return the values as text without blanks around them."""
        return self._read(lambda values: pc.utf8_trim_whitespace(values.cast(pa.string())), "text")

    def numbers(self) -> pa.Array:
        """Return the values as float64; an empty value becomes null."""
        return self._read(_numbers, "a number with a point for decimals and no thousands separators, or nothing")

    def session_dates(self) -> pa.Array:
        """Return the values as dates, exactly as written: the time of day and the offset beside a date do not move it."""
        return self._read(_session_dates, "a date from 1900 to 2199 such as 2024-01-31")

    def instants(self, zone: str) -> pa.Array:
        """Return the values as nanoseconds UTC; a value without an offset is local time in ``zone``."""
        return self._read(
            lambda values: _instants(values, zone),
            f"a date and time such as 2024-01-31 09:30:00 that exists in {zone}, or one with an offset, the same way in every row",
        )

    def _read(self, convert: Callable[[pa.Array], pa.Array], expected: str) -> pa.Array:
        try:
            return convert(self._values)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            row = self._first_unreadable(convert)
            shown = repr(self._values[row].as_py())
            raise DataError(
                f"{self._source}, row {row + 1}: {self._name} is {shown if len(shown) <= 60 else shown[:57] + '...'}; "
                f"expected {expected}; correct the row, or map another column under `columns`."
            ) from None

    def _first_unreadable(self, convert: Callable[[pa.Array], pa.Array]) -> int:
        # Invariant: the first `readable` rows convert, the first `unreadable` do not.
        readable, unreadable = 0, len(self._values)
        while unreadable - readable > 1:
            middle = (readable + unreadable) // 2
            try:
                convert(self._values.slice(0, middle))
                readable = middle
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                unreadable = middle
        return readable


def _numbers(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        text = pc.utf8_trim_whitespace(values.cast(pa.string()))
        return pc.if_else(pc.equal(text, ""), None, text).cast(pa.float64())
    if pa.types.is_boolean(kind) or pa.types.is_temporal(kind):
        raise pa.ArrowInvalid("not a number")
    return values.cast(pa.float64(), safe=False)


def _session_dates(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_timestamp(kind):
        dates = (values if kind.tz is None else pc.local_timestamp(values)).cast(pa.date32(), safe=False)
    elif pa.types.is_date(kind):
        dates = values.cast(pa.date32())
    elif pa.types.is_integer(kind):
        text = values.cast(pa.string())
        dates = _compact(text) if _all_match(text, COMPACT_DATE) else _epoch(values).cast(pa.date32(), safe=False)
    else:
        text = pc.utf8_trim_whitespace(values.cast(pa.string()))
        if _all_match(text, COMPACT_DATE):
            dates = _compact(text)
        elif _all_match(text, EPOCH):
            dates = _epoch(text.cast(pa.int64())).cast(pa.date32(), safe=False)
        else:
            _require(pc.match_substring_regex(text, DATE))
            dates = pc.utf8_slice_codeunits(text, 0, 10).cast(pa.date32())
    years = pc.year(dates)
    _require(pc.and_(pc.greater_equal(years, 1900), pc.less(years, 2200)))
    return dates


def _instants(values: pa.Array, zone: str) -> pa.Array:
    kind = values.type
    if pa.types.is_timestamp(kind):
        times = values.cast(pa.timestamp("ns", kind.tz))
    elif pa.types.is_integer(kind):
        times = _epoch(values)
    else:
        times = _instants_in(pc.utf8_trim_whitespace(values.cast(pa.string())))
    _require(times.is_valid())
    if times.type.tz is None:
        # An hour that happens twice is taken the first time; an hour that never happens is a fault of the zone.
        times = pc.assume_timezone(times, zone, ambiguous="earliest", nonexistent="raise")
    return times.cast(UTC_NS)


def _instants_in(text: pa.Array) -> pa.Array:
    if _all_match(text, EPOCH):
        return _epoch(text.cast(pa.int64()))
    _require(pc.match_substring_regex(text, INSTANT + "(" + OFFSET[:-1] + ")?$"))
    offset = pc.match_substring_regex(text, OFFSET)
    if not pc.any(offset).as_py():
        return text.cast(pa.timestamp("ns"))
    _require(offset)
    return text.cast(UTC_NS)


def _compact(text: pa.Array) -> pa.Array:
    return pc.strptime(text, format="%Y%m%d", unit="s", error_is_null=False).cast(pa.date32())


def _epoch(values: pa.Array) -> pa.Array:
    _require(values.is_valid())
    size = pc.abs(values.cast(pa.int64()))
    least = pc.min(size).as_py() or 0
    unit = next((unit for floor, unit in reversed(EPOCH_UNITS) if least >= floor), None)
    if unit is None:
        raise pa.ArrowInvalid("too small for a time")
    return values.cast(pa.int64()).cast(pa.timestamp(unit, "UTC")).cast(UTC_NS)


def _all_match(text: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.fill_null(pc.match_substring_regex(text, pattern), False)).as_py())


def _require(good: pa.Array) -> None:
    if not pc.all(pc.fill_null(good, False), min_count=0).as_py():
        raise pa.ArrowInvalid("a value of another form")


def zone_exists(zone: str) -> bool:
    """Tell whether ``zone`` is a name of the IANA time zone database."""
    try:
        return bool(ZoneInfo(zone).key)
    except (KeyError, ValueError, OSError):
        return False
