"""Ingest: every symbol of a run from the first provider that has it, as canonical bars, and where each came from."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from marketsim.config.run import RunSpec
from marketsim.config.simulated import SimulatedMarket
from marketsim.data.bars import DATE, SCHEMA, bars_digest, canonical_bars, combine
from marketsim.data.calendars import Calendar, load_calendar
from marketsim.data.providers.library import build_providers
from marketsim.data.providers.provider import Provider, RecordedFlow
from marketsim.errors import ConfigError, DataError, ProviderError

SOURCES = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("n_rows", pa.int64(), nullable=False),
        pa.field("first_date", DATE),
        pa.field("last_date", DATE),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
    ]
)

Progress = Callable[[str], None]
MOST_REASONS = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The data of one run.

    Attributes
    ----------
    bars : canonical bars of all symbols that were found, benchmark included (`marketsim.data.bars.SCHEMA`).
    sources : one row a symbol asked for, one a file of holdings, and one a file of recorded order flow (`SOURCES`).
    digest : sha256 over the bars, the holdings and the recordings, hexadecimal; the same however the bars were come by.
    """

    bars: pa.Table
    sources: pa.Table
    digest: str


def utc_now() -> dt.datetime:
    """Return the present moment."""
    return dt.datetime.now(dt.UTC)


def ingest(
    spec: RunSpec,
    *,
    base_dir: Path,
    cache_dir: Path,
    progress: Progress = lambda _: None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Snapshot:
    """Collect the bars a run needs.

    Parameters
    ----------
    spec : what to collect and from whom.
    base_dir : folder that relative paths in ``spec`` start at.
    cache_dir : where answers of remote providers are kept.
    progress : hears one line a symbol.
    now : time of retrieval, with a zone; asked only for remote providers.

    Returns
    -------
    The snapshot. A symbol that no provider has is a row of `sources` with the reasons, and has no bars.

    Raises
    ------
    DataError
        Not one traded symbol has bars; the message says why, a sentence each. A retryable `ProviderError` where waiting may help.
    ConfigError
        The calendar, a provider's settings or a file of holdings is not what it should be.
    """
    holdings = _holdings(spec, base_dir)
    if not spec.reads_data:
        progress("the market is synthetic; no data are needed")
        sha256s = sorted(str(row["sha256"]) for row in holdings)
        return Snapshot(
            SCHEMA.empty_table(), pa.Table.from_pylist(holdings, SOURCES), hashlib.sha256("\n".join(sha256s).encode()).hexdigest()
        )
    calendar = load_calendar(spec.calendar)
    collector = _Collector(spec, calendar, build_providers(spec, base_dir), cache_dir, progress, now)
    roles = dict.fromkeys(spec.symbols, "traded")
    if spec.benchmark is not None:
        roles.setdefault(spec.benchmark, "benchmark")
    tables, rows, may_pass = [], holdings, False
    for symbol, role in roles.items():
        table, row, transient = collector.collect(symbol, role)
        may_pass |= transient
        rows += [{"symbol": symbol, "role": role, **row}, *collector.recorded.get(symbol, ())]
        if table is not None:
            tables.append(table)
    if all(row["error"] for row in rows if row["role"] == "traded"):
        reasons = list(dict.fromkeys(f"{row['error']}" for row in rows if row["role"] == "traded"))
        more = f"\nand {len(reasons) - MOST_REASONS} more" if len(reasons) > MOST_REASONS else ""
        sentences = "\n".join(reasons[:MOST_REASONS]) + more
        raise ProviderError(sentences, retryable=True) if may_pass else DataError(sentences)
    bars = combine(tables)
    sources = pa.Table.from_pylist(sorted(rows, key=lambda row: (row["symbol"], row["request"])), SOURCES)
    parts = [bars_digest(bars), *sorted(str(row["sha256"]) for row in rows if row["role"] == "holdings")]
    parts += sorted(f"{row['symbol']} {row['sha256']}" for row in rows if row["role"] == "recording")
    return Snapshot(bars, sources, hashlib.sha256("\n".join(parts).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class _Collector:
    """Asks the providers in turn."""

    spec: RunSpec
    calendar: Calendar
    providers: list[Provider]
    cache_dir: Path
    progress: Progress
    now: Callable[[], dt.datetime]
    recorded: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def collect(self, symbol: str, role: str) -> tuple[pa.Table | None, dict[str, object], bool]:
        """Return a symbol's bars, or None; its row of `sources`; and whether a provider said that waiting may help.

        In the replay market a traded symbol is asked of recordings alone. Rows of a recording's files are kept in ``recorded``.
        """
        reasons, transient = [], False
        flow_alone = self.spec.market.kind == "replay" and role == "traded"
        for provider in self.providers:
            if flow_alone and not isinstance(provider, RecordedFlow):
                continue
            try:
                bars, request = self._bars(provider, symbol)
                if isinstance(provider, RecordedFlow):
                    self.recorded[symbol] = _file_rows(symbol, provider)
            except DataError as error:
                reasons.append(str(error))
                transient |= isinstance(error, ProviderError) and error.retryable
                self.progress(f"{symbol}: {error}")
                continue
            dates = pc.min_max(bars.column("session_date")).as_py()
            self.progress(f"{symbol}: {bars.num_rows:,} bars, {dates['min']} to {dates['max']}, from {provider.name}")
            found = {"first_date": dates["min"], "last_date": dates["max"], "sha256": bars_digest(bars), "error": ""}
            return bars, {"source": provider.name, "request": request, "n_rows": bars.num_rows, **found}, transient
        missing = {"first_date": None, "last_date": None, "sha256": "", "error": " ".join(reasons)}
        return None, {"source": "", "request": "", "n_rows": 0, **missing}, transient

    def _bars(self, provider: Provider, symbol: str) -> tuple[pa.Table, str]:
        spec, interval = self.spec, self.spec.bar_interval
        request = f"{provider.request(symbol, interval)} {spec.start} to {spec.end or 'newest'}"
        frame = self._remote_frame(provider, symbol) if provider.remote else provider.fetch(symbol, spec.start, spec.end, interval)
        received = frame.num_rows
        if interval != "1d":
            regular = self.calendar.in_session(frame.column("time").cast(pa.int64()).to_numpy())
            frame = frame.filter(pa.array(regular))
            if frame.num_rows == 0:
                raise DataError(
                    f"{request}: none of its {received:,} bars opens within the sessions of {self.calendar.code} "
                    f"({self.calendar.zone}); check the provider's time zone and the calendar."
                )
            if frame.num_rows < received:
                outside = f"{received - frame.num_rows:,} bars outside the sessions of {self.calendar.code} left out"
                self.progress(f"{symbol}: {outside}")
                request += f", {outside}"
        bars = canonical_bars(symbol, frame, interval=interval, calendar=self.calendar, source=provider.name)
        dates = bars.column("session_date")
        asked = pc.greater_equal(dates, pa.scalar(spec.start))
        if spec.end is not None:
            asked = pc.and_(asked, pc.less_equal(dates, pa.scalar(spec.end)))
        chosen = bars.filter(asked)
        if chosen.num_rows == 0:
            held = pc.min_max(dates).as_py()
            raise DataError(f"{request}: holds no bar in that time, only from {held['min']} to {held['max']}; move start and end.")
        return chosen, request

    def _remote_frame(self, provider: Provider, symbol: str) -> pa.Table:
        from marketsim.data.cache import Cache

        now = self.now()
        closed = self.calendar.last_closed(now)
        end = closed if self.spec.end is None else min(self.spec.end, closed)
        if end < self.spec.start:
            raise DataError(f"{symbol}: start {self.spec.start} lies after the newest closed session {closed}; choose an earlier start.")
        cache = Cache(self.cache_dir, now, self.progress)
        return cache.frame(provider, symbol, self.spec.start, end, self.spec.bar_interval, newest=self.spec.end is None)


def _file_rows(symbol: str, provider: RecordedFlow) -> list[dict[str, object]]:
    """Return a row of `sources` for each file of a symbol's recording."""
    unknown = {"n_rows": 0, "first_date": None, "last_date": None, "error": ""}
    return [
        {"symbol": symbol, "role": "recording", "source": provider.name, "request": path, "sha256": sha256, **unknown}
        for path, sha256 in provider.file_digests(symbol).items()
    ]


def _holdings(spec: RunSpec, base_dir: Path) -> list[dict[str, object]]:
    """Return a row of `sources` for each file of holdings that a strategy or an agent of the run reads, for it decides the result too."""
    named = {getattr(trader.strategy, "holdings_file", None) for trader in spec.traders}
    if isinstance(spec.market, SimulatedMarket):
        named |= {group.holdings_file for group in spec.market.population.values()}
    rows: list[dict[str, object]] = []
    for name in sorted(name for name in named if name):
        try:
            content = (base_dir / name).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"holdings_file {base_dir / name}: cannot be read ({error.strerror}); relative paths start at the config file's folder."
            ) from None
        rows.append(
            {
                "symbol": "*",
                "role": "holdings",
                "source": "file",
                "request": name,
                "n_rows": _n_rows(name, content),
                "first_date": None,
                "last_date": None,
                "sha256": hashlib.sha256(content).hexdigest(),
                "error": "",
            }
        )
    return rows


def _n_rows(name: str, content: bytes) -> int:
    if not name.endswith(".parquet"):
        return max(0, len(content.splitlines()) - 1)
    try:
        return int(pq.read_metadata(pa.BufferReader(content)).num_rows)
    except pa.ArrowInvalid as error:
        raise ConfigError(f"holdings_file {name}: is no Parquet file ({error}); give one, or a CSV file.") from None
