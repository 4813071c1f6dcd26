"""What remote providers answered, kept on disk: reruns need no network, and a later run fetches only what is new.

An entry is a manifest (JSON) that names a Parquet file of frames by its sha256. Both are written beside their place and moved
there whole, the manifest last, so an entry is complete or absent at any moment.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketsim.data.bars import PRICES, UTC_NS, to_floats
from marketsim.data.providers.provider import Provider
from marketsim.errors import DataError, ProviderError

# Bars fetched once more beside new ones, to notice that a provider has rewritten its history.
OVERLAP_BARS = 5
# Relative; providers send float32, and undoing a split adds one rounding.
SAME_PRICE = 1e-5


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an entry holds and where it came from; dates are those asked for, both included."""

    source: str
    request: str
    first_date: str
    last_date: str
    n_rows: int
    file: str
    sha256: str
    retrieved_utc: str


@dataclass(frozen=True, slots=True)
class Cache:
    """Frames of remote providers under one folder.

    Attributes
    ----------
    folder : where entries lie; made when the first is kept.
    now : the time of retrieval, with a zone.
    progress : hears what is fetched, refetched or found broken.
    """

    folder: Path
    now: dt.datetime
    progress: Callable[[str], None]

    def frame(self, provider: Provider, symbol: str, start: dt.date, end: dt.date, interval: str, *, newest: bool) -> pa.Table:
        """Return a frame that covers ``start`` to ``end``, from disk as far as it goes.

        Parameters
        ----------
        newest : whether ``end`` is merely the newest session. Then an entry that cannot be brought up to date is used as it
            is, which is said; with an ``end`` that was asked for, it is an error.

        Raises
        ------
        ProviderError
            Something is missing and the provider does not answer.
        DataError
            The folder cannot be written.
        """
        place = self.folder / provider.name / interval / f"{quote(symbol, safe='')}.json"
        kept = self._load(place, symbol)
        if kept is None:
            return self._fetch_all(provider, symbol, start, end, interval, place)
        manifest, frame = kept
        first, last = dt.date.fromisoformat(manifest.first_date), dt.date.fromisoformat(manifest.last_date)
        if first <= start and end <= last:
            return frame
        try:
            extended = self._extend(frame, provider, symbol, (start, first, last, end), interval)
            if extended is None:
                self.progress(f"{symbol}: {provider.name} has rewritten its history since {manifest.retrieved_utc}; fetching it all")
                return self._fetch_all(provider, symbol, min(start, first), max(end, last), interval, place)
        except ProviderError as error:
            if not newest or start < first:
                raise
            self.progress(f"{symbol}: using bars kept up to {last}, for newer ones cannot be had: {error}")
            return frame
        self._save(place, provider.name, provider.request(symbol, interval), min(start, first), max(end, last), extended)
        return extended

    def _fetch_all(self, provider: Provider, symbol: str, start: dt.date, end: dt.date, interval: str, place: Path) -> pa.Table:
        frame = self._stamped(provider.fetch(symbol, start, end, interval))
        self._save(place, provider.name, provider.request(symbol, interval), start, end, frame)
        return frame

    def _extend(
        self, frame: pa.Table, provider: Provider, symbol: str, days: tuple[dt.date, dt.date, dt.date, dt.date], interval: str
    ) -> pa.Table | None:
        """Fetch what lies before and after a kept frame; None when the overlap shows other prices."""
        start, first, last, end = days
        extended: pa.Table | None = frame
        if end > last:
            anchor = _date_at(frame, max(0, frame.num_rows - OVERLAP_BARS))
            self.progress(f"{symbol}: fetching {anchor} to {end} from {provider.name}")
            extended = join(frame, self._stamped(provider.fetch(symbol, anchor, end, interval)))
        if start < first and extended is not None:
            anchor = _date_at(frame, min(frame.num_rows, OVERLAP_BARS) - 1)
            self.progress(f"{symbol}: fetching {start} to {anchor} from {provider.name}")
            extended = join(self._stamped(provider.fetch(symbol, start, anchor, interval)), extended)
        return extended

    def _stamped(self, frame: pa.Table) -> pa.Table:
        place = frame.schema.get_field_index("retrieved_utc")
        return frame.set_column(place, "retrieved_utc", pa.repeat(pa.scalar(self.now, UTC_NS), frame.num_rows))

    def _load(self, place: Path, symbol: str) -> tuple[Manifest, pa.Table] | None:
        try:
            manifest = Manifest(**json.loads(place.read_bytes()))
            content = (place.parent / manifest.file).read_bytes()
            if hashlib.sha256(content).hexdigest() != manifest.sha256:
                raise ValueError("sha256 differs from the manifest's")
            return manifest, pq.read_table(pa.BufferReader(content))
        except FileNotFoundError:
            if place.exists():
                self.progress(f"{symbol}: the cache has lost the bars of {place.name}; fetching them again")
        except (OSError, TypeError, ValueError, pa.ArrowException) as error:
            self.progress(f"{symbol}: cache entry {place} is damaged ({error}); fetching it again")
        return None

    def _save(self, place: Path, source: str, request: str, first: dt.date, last: dt.date, frame: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(frame, sink)
        content = sink.getvalue().to_pybytes()
        sha256 = hashlib.sha256(content).hexdigest()
        file = f"{place.stem}-{sha256[:16]}.parquet"
        manifest = Manifest(
            source, request, str(first), str(last), frame.num_rows, file, sha256, self.now.astimezone(dt.UTC).isoformat(timespec="seconds")
        )
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _write(place.parent / file, content)
            _write(place, json.dumps(asdict(manifest), indent=2).encode())
            for old in place.parent.glob(f"{place.stem}-{'[0-9a-f]' * 16}.parquet"):
                if old.name != file:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cache folder {place.parent}: cannot be written ({error.strerror}); make it writable.") from None


def join(earlier: pa.Table, later: pa.Table) -> pa.Table | None:
    """Put two frames that overlap together; where they overlap, the later one's rows count.

    Its first row is the exception: an action dated before it may only be known to the earlier frame.

    Returns
    -------
    The joined frame; None when the frames share no bar, or their prices or times differ where they overlap.
    """
    since, until = later.column("time")[0], earlier.column("time")[-1]
    ours = earlier.filter(pc.greater_equal(earlier.column("time"), since))
    theirs = later.filter(pc.less_equal(later.column("time"), until))
    if ours.num_rows == 0 or not ours.column("time").equals(theirs.column("time")):
        return None
    for name in PRICES:
        if not np.allclose(to_floats(ours.column(name)), to_floats(theirs.column(name)), rtol=SAME_PRICE, atol=0.0, equal_nan=True):
            return None
    before = earlier.filter(pc.less_equal(earlier.column("time"), since))
    return pa.concat_tables([before, later.slice(1)]).combine_chunks()


def _date_at(frame: pa.Table, row: int) -> dt.date:
    date: dt.date = frame.column("time").slice(row, 1).cast(pa.date32(), safe=False)[0].as_py()
    return date


def _write(place: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
