"""Opening a recording whatever its format, which the file's name or first lines tell."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from marketsim.errors import DataError
from marketsim.replay.binance import read_binance, read_binance_parquet
from marketsim.replay.coinbase import read_coinbase
from marketsim.replay.depth import DepthRows
from marketsim.replay.itch import read_itch
from marketsim.replay.lobster import FILE_NAME, read_lobster
from marketsim.replay.resync import resynchronised
from marketsim.replay.stream import Stream, read_stream

FORMATS = ("lobster", "itch", "binance", "coinbase", "stream")
NEW_YORK = "America/New_York"
SNIFFED_BYTES = 1 << 16
MOST_FILES = {"lobster": 2, "itch": 1, "stream": 1}
MOST_PARQUET_FILES = 3  # Binance's depth, trades and quotes


@dataclass(frozen=True, slots=True)
class Opened:
    """A recording with what is known of its true depth."""

    stream: Stream
    depth: DepthRows | None
    zone: str  # the market's own clock
    window_levels: int | None = None  # levels a side within which the recording is complete; None = all, or unknown

    def mended(self) -> Stream:
        """Return the stream resynchronised with its order book file; as it is where there is none, or quotes for some messages alone."""
        if self.depth is None or len(self.depth) != self.stream.n_messages:
            return self.stream
        return resynchronised(self.stream, self.depth).stream


def open_recording(
    paths: Sequence[Path], *, symbol: str | None = None, file_format: str | None = None, initial: Path | None = None
) -> Opened:
    """Read the files of one recording.

    Parameters
    ----------
    paths : LOBSTER: message file, then its order book file (found beside it if left out); ITCH: one file; Binance and Coinbase:
        captures, or Binance's depth in Parquet followed by trades and quotes; a stream written by `Stream.write_parquet`.
    symbol : what to keep; needed for ITCH and for Parquet that does not name it.
    file_format : one of FORMATS; None = told by the file.
    initial : LOBSTER: deeper opening state.

    Raises
    ------
    DataError
        The format is not recognised, a symbol is needed, there are more files than the format has, or the reader refuses them.
    """
    found = _format(paths, file_format, initial)
    if found == "lobster":
        day = read_lobster(paths[0], paths[1] if len(paths) > 1 else _order_book_beside(paths[0]), initial=initial)
        return Opened(day.stream, day.depth, NEW_YORK, day.window_levels)
    if found == "itch":
        if symbol is None:
            raise DataError(f"{paths[0].name} holds every symbol of the exchange; say which one is wanted.")
        return Opened(read_itch(paths[0], [symbol]).stream, None, NEW_YORK)
    if found == "stream":
        stream = read_stream(paths[0])
        return Opened(stream if symbol is None else stream.only(symbol), None, "UTC")
    if found == "coinbase":
        recording = read_coinbase(*paths, symbol=symbol)
    elif paths[0].suffix == ".parquet":
        if symbol is None:
            raise DataError(f"{paths[0].name} does not name its symbol; say which one it is.")
        recording = read_binance_parquet(*paths[:3], symbol=symbol)
    else:
        recording = read_binance(*paths, symbol=symbol)
    single = len(recording.stream.symbols) == 1 and len(recording.quotes) and recording.quotes["update_id"].any()
    return Opened(recording.stream, recording.depth_rows() if single else None, "UTC")


def files_read(paths: Sequence[Path], *, file_format: str | None = None, initial: Path | None = None) -> tuple[Path, ...]:
    """Return every file that `open_recording` reads for these arguments, an order book file found beside its messages included."""
    found = _format(paths, file_format, initial)
    beside = _order_book_beside(paths[0]) if found == "lobster" and len(paths) == 1 else None
    return (*paths, *(path for path in (beside, initial) if path is not None))


def recognised(path: Path) -> str:
    """Return the format of a file.

    Raises
    ------
    DataError
        The file cannot be read, or nothing in its name or first lines is known.
    """
    try:
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
            if b"tick_size" in (schema.metadata or {}):
                return "stream"
            if {"U", "u", "pu", "side", "qty"} <= set(schema.names):
                return "binance"
        if FILE_NAME.match(path.name):
            return "lobster"
        if "itch" in path.name.lower():
            return "itch"
        if path.suffix != ".parquet":
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                head = file.read(SNIFFED_BYTES)
            if b'"depthUpdate"' in head or b'"lastUpdateId"' in head or b'"bookTicker"' in head:
                return "binance"
            if b'"l2update"' in head or b'"product_id"' in head:
                return "coinbase"
    except (OSError, EOFError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    raise DataError(f"{path.name} is no recording that is known here; name its format, one of {', '.join(FORMATS)}.")


def _format(paths: Sequence[Path], file_format: str | None, initial: Path | None) -> str:
    """Return the format of a recording after making sure that no file would be left unread."""
    found = file_format or recognised(paths[0])
    most = MOST_PARQUET_FILES if found == "binance" and paths[0].suffix == ".parquet" else MOST_FILES.get(found, len(paths))
    if len(paths) > most:
        raise DataError(f"{paths[most].name} is one file too many: a recording in the format {found} has at most {most}; leave it out.")
    if initial is not None and found != "lobster":
        raise DataError(f"{initial.name} cannot be an opening state of {paths[0].name}: only LOBSTER's recordings have one; leave it out.")
    return found


def _order_book_beside(messages: Path) -> Path | None:
    beside = messages.with_name(messages.name.replace("message", "orderbook"))
    return beside if beside.exists() else None
