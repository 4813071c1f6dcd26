"""From the recordings a run names to the order flow it trades in: which files, whether they are still the same, and one stream of all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from marketsim.config.providers import RecordingProvider
from marketsim.config.run import RunSpec
from marketsim.errors import DataError
from marketsim.recorded import RecordedKind
from marketsim.replay.recording import Opened, files_read, open_recording
from marketsim.replay.stream import IntArray, Stream, merged

ROLE = "recording"  # of a recording's files in table `sources`


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording of one symbol as a run description names it."""

    settings: RecordingProvider
    base_dir: Path  # where relative paths start
    symbol: str

    def files(self) -> tuple[Path, ...]:
        """Return every file that is read.

        Raises
        ------
        DataError
            One of them is not there, or the format is not recognised.
        """
        named = (self.settings.path, *self.settings.more_paths)
        paths = [self._place(path) for path in named]
        initial = None if self.settings.initial is None else self._place(self.settings.initial)
        for path in (*paths, *(() if initial is None else (initial,))):
            if not path.is_file():
                what = "is a folder" if path.is_dir() else "no such file"
                raise DataError(f"recording of {self.symbol}: {path}: {what}; relative paths start at the config file's folder.")
        return files_read(paths, file_format=self.settings.format, initial=initial)

    def digests(self) -> dict[str, str]:
        """Return the sha256 of each file, hexadecimal, by its path, relative ones as seen from the configuration's folder."""
        found = {}
        for path in self.files():
            name = path.relative_to(self.base_dir) if path.is_relative_to(self.base_dir) else path
            try:
                with path.open("rb") as file:
                    found[name.as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise DataError(f"recording of {self.symbol}: {path} cannot be read ({error.strerror}).") from error
        return found

    def open(self) -> Opened:
        """Read the files.

        Raises
        ------
        DataError
            They cannot be read as a recording, or hold another symbol.
        """
        self.files()
        paths = [self._place(path) for path in (self.settings.path, *self.settings.more_paths)]
        initial = None if self.settings.initial is None else self._place(self.settings.initial)
        try:
            opened = open_recording(paths, symbol=self.symbol, file_format=self.settings.format, initial=initial)
        except DataError as error:
            raise DataError(f"recording of {self.symbol}: {error}") from error
        if opened.stream.symbols != (self.symbol,):
            held = ", ".join(opened.stream.symbols[:10])
            raise DataError(f"recording of {self.symbol}: {paths[0]} records {held}, not {self.symbol}; correct the symbol or the path.")
        return opened

    def _place(self, path: str) -> Path:
        return self.base_dir / path.replace("{symbol}", self.symbol)


def recordings_of(spec: RunSpec, base_dir: Path, sources: pa.Table) -> dict[str, Recording]:
    """Return the recordings that a run's bars were made of, by symbol.

    Parameters
    ----------
    sources : table `sources` of the ingestion, which tells the files' digests.

    Raises
    ------
    DataError
        A recording's files are gone, or no longer what they were.
    """
    ingested: dict[str, set[str]] = {}
    for row in sources.to_pylist():
        if row["role"] == ROLE:
            ingested.setdefault(row["symbol"], set()).add(row["sha256"])
    return {symbol: _same(spec, base_dir, symbol, digests) for symbol, digests in ingested.items()}


def recorded_stream(spec: RunSpec, base_dir: Path, sources: pa.Table | None = None) -> Stream:
    """Return the order flow of all traded symbols as one stream, symbols in the run's order, each as complete as its recording allows.

    Parameters
    ----------
    sources : see `recordings_of`; None = whatever the files hold now.

    Raises
    ------
    DataError
        A symbol has no recording, the files have changed since they were ingested, or two recordings give one id to different orders.
    """
    if sources is None:
        chosen = {symbol: _first(spec, base_dir, symbol) for symbol in spec.symbols}
    else:
        chosen = recordings_of(spec, base_dir, sources)
    absent = [symbol for symbol in spec.symbols if symbol not in chosen]
    if absent:
        raise DataError(f"{', '.join(absent)}: no recording was ingested, and market kind replay needs one of every traded symbol.")
    streams = [chosen[symbol].open().mended() for symbol in spec.symbols]
    if len(streams) == 1:
        return streams[0]
    ids = np.concatenate([_entered_ids(stream) for stream in streams])
    if len(np.unique(ids)) < len(ids):
        raise DataError(
            f"{', '.join(stream.source for stream in streams)} give the same ids to different orders, as feeds of different exchanges do; "
            "replay them in runs of their own."
        )
    return merged(streams)


def _entered_ids(stream: Stream) -> IntArray:
    events = stream.events
    added = events["order_id"][events["kind"] == RecordedKind.ADD]
    replaced = events["other_id"][events["kind"] == RecordedKind.REPLACE]
    return np.unique(np.concatenate([added, replaced]))


def _named(spec: RunSpec, base_dir: Path, symbol: str) -> list[Recording]:
    return [Recording(settings, base_dir, symbol) for settings in spec.providers if isinstance(settings, RecordingProvider)]


def _same(spec: RunSpec, base_dir: Path, symbol: str, digests: set[str]) -> Recording:
    """Return the recording whose files have these digests."""
    reasons = []
    for recording in _named(spec, base_dir, symbol):
        try:
            found = recording.digests()
        except DataError as error:
            reasons.append(str(error))
            continue
        if set(found.values()) == digests:
            return recording
        names = ", ".join(found)
        reasons.append(f"recording of {symbol}: {names} is not what the run's bars were made of; restore the files, or run anew.")
    raise DataError(" ".join(reasons))


def _first(spec: RunSpec, base_dir: Path, symbol: str) -> Recording:
    """Return the first recording whose files are there."""
    reasons = []
    for recording in _named(spec, base_dir, symbol):
        try:
            recording.files()
        except DataError as error:
            reasons.append(str(error))
            continue
        return recording
    raise DataError(" ".join(reasons))
