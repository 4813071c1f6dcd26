"""The user's own CSV and Parquet files: columns found by their usual names or as mapped, faults named with file and row."""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import available_timezones

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from marketsim.config.providers import FileProvider
from marketsim.data.actions import infer_actions
from marketsim.data.bars import PRICES, make_frame, to_floats
from marketsim.data.providers.columns import Column, zone_exists
from marketsim.errors import ConfigError, DataError, ProviderError

REQUIRED = ("time", *PRICES, "volume")
OPTIONAL = ("symbol", "adj_close", "split_ratio", "dividend_cash")

# Usual names, lower case, words joined by _. Names such as "Stock Splits" are left out on purpose: the prices beside them
# are adjusted already as often as not, and folding a split in twice is worse than asking for a mapping.
USUAL: Mapping[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker"),
    **{name: (name, f"{name}_price", name[0]) for name in PRICES},
    "volume": ("volume", "volume_shares", "vol", "v"),
    "adj_close": ("adj_close", "adjclose", "adjusted_close", "close_adj"),
    "split_ratio": ("split_ratio",),
    "dividend_cash": ("dividend_cash",),
}
USUAL_DATE = ("session_date", "date", "day", "datetime", "timestamp", "time", "t")
USUAL_TIME = ("open_utc", "timestamp", "datetime", "date_time", "ts_utc", "ts", "time", "date", "t")


class FileBars:
    """Bars in files of the user's; read anew in every run, so what counts is what they hold."""

    name = "file"
    remote = False

    def __init__(self, settings: FileProvider, base_dir: Path, sole_symbol: str | None = None) -> None:
        """Check the settings.

        Parameters
        ----------
        settings : section of the run description.
        base_dir : folder that relative paths start at.
        sole_symbol : the run's only traded symbol, whose bars a file that names no symbol may hold; None = there are several.
        """
        for canonical in settings.columns:
            if canonical not in REQUIRED + OPTIONAL:
                near = difflib.get_close_matches(canonical, REQUIRED + OPTIONAL, n=1)
                hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(REQUIRED + OPTIONAL)}."
                raise ConfigError(f"providers: file: columns has the key '{canonical}', which no bar has; {hint}")
        if not zone_exists(settings.timezone):
            near = difflib.get_close_matches(settings.timezone, sorted(available_timezones()), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else "use a name such as America/New_York or UTC."
            raise ConfigError(f"providers: file: timezone '{settings.timezone}' is not an IANA zone; {hint}")
        self._settings = settings
        self._base_dir = base_dir
        self._sole_symbol = sole_symbol
        self._read = functools.cache(self._read_file)

    def request(self, symbol: str, interval: str) -> str:
        """Return the file as the run description writes it."""
        return f"{self._settings.path.replace('{symbol}', symbol)} {interval}"

    def fetch(self, symbol: str, start: dt.date, end: dt.date | None, interval: str) -> pa.Table:
        """Return all bars of the symbol that the file holds."""
        path = self._base_dir / self._settings.path.replace("{symbol}", symbol)
        table = self._read(path, interval)
        if "symbol" in table.column_names:
            held = pc.unique(table.column("symbol")).to_pylist()
            if symbol not in held:
                near = difflib.get_close_matches(symbol, [text for text in held if text], n=1, cutoff=0.4)
                raise ProviderError(
                    f"{path} holds no row for {symbol}{f'; did you mean {near[0]}?' if near else f', but {len(held)} other symbols;'} "
                    "correct the symbol or the path."
                )
            table = table.filter(pc.equal(table.column("symbol"), symbol))
        elif "{symbol}" not in self._settings.path and symbol != self._sole_symbol:
            raise ProviderError(
                f"{path} does not say which symbol it holds, so it cannot serve {symbol}; "
                "put {symbol} into the path, or map a column to `symbol`."
            )
        columns = {name: table.column(name) for name in table.column_names}
        splits, cash = columns.get("split_ratio"), columns.get("dividend_cash")
        if splits is None and cash is None and "adj_close" in columns:
            order = pc.sort_indices(table, [("time", "ascending")])
            table = table.take(order)
            columns = {name: table.column(name) for name in table.column_names}
            splits, cash = infer_actions(to_floats(columns["close"]), to_floats(columns["adj_close"]), "previous_close")
        return make_frame(columns["time"], [columns[n] for n in PRICES], columns["volume"], split_ratio=splits, dividend_cash=cash)

    def _read_file(self, path: Path, interval: str) -> pa.Table:
        parquet = path.suffix.lower() in (".parquet", ".pq")
        try:
            if path.is_dir():
                raise DataError(f"{path}: is a folder; name one file, or a pattern such as {path.name or '.'}/{{symbol}}.csv.")
            names = pq.read_schema(path).names if parquet else _read_csv(path).column_names
            chosen = self._choose(names, path, interval)
            wanted = list(dict.fromkeys(chosen.values()))
            table = pq.read_table(path, columns=wanted) if parquet else _read_csv(path, wanted, (chosen["time"],))
        except FileNotFoundError:
            near = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*")], n=1)
            hint = f"did you mean {near[0]}?" if near else "relative paths start at the config file's folder."
            raise DataError(f"{path}: no such file; {hint}") from None
        except OSError as error:
            if isinstance(error, pa.ArrowInvalid) or error.strerror is None:
                raise DataError(_unreadable(path, parquet, error)) from None
            raise DataError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions.") from None
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise DataError(_unreadable(path, parquet, error)) from None
        if table.num_rows == 0:
            raise DataError(f"{path}: holds no row; expected one row a bar; export the file again.")
        columns = {}
        for canonical, name in chosen.items():
            column = Column(table.column(name), name, str(path))
            if canonical == "time":
                columns[canonical] = column.session_dates() if interval == "1d" else column.instants(self._settings.timezone)
            else:
                columns[canonical] = column.texts() if canonical == "symbol" else column.numbers()
        return pa.table(columns)

    def _choose(self, names: list[str], path: Path, interval: str) -> dict[str, str]:
        """Return canonical name → name in the file for all that is mapped, required or recognised."""
        spelled = {"_".join("".join(c if c.isalnum() else " " for c in name.lower()).split()): name for name in reversed(names)}
        usual = {**USUAL, "time": USUAL_DATE if interval == "1d" else USUAL_TIME}
        chosen = {}
        for canonical in REQUIRED + OPTIONAL:
            mapped = self._settings.columns.get(canonical)
            found = mapped if mapped in names else next((spelled[n] for n in usual[canonical] if n in spelled), None)
            if mapped is not None and mapped not in names:
                near = difflib.get_close_matches(mapped, names, n=1, cutoff=0.4)
                hint = f"did you mean '{near[0]}'?" if near else f"the file has: {', '.join(names)[:200]}."
                raise DataError(f"{path}: has no column '{mapped}', to which `columns` maps {canonical}; {hint}")
            if found is not None and names.count(found) > 1:
                raise DataError(f"{path}: has {names.count(found)} columns named '{found}', expected one; rename or remove the others.")
            if found is not None:
                chosen[canonical] = found
            elif canonical in REQUIRED:
                near = difflib.get_close_matches(canonical, spelled, n=1, cutoff=0.5)
                hint = f"the nearest is '{spelled[near[0]]}'" if near else f"the file has: {', '.join(names)[:200]}"
                separator = " Is the separator a comma?" if len(names) == 1 else ""
                raise DataError(f"{path}: has no column for {canonical}; {hint}; name the right one under `columns`.{separator}")
        return chosen


def _read_csv(path: Path, wanted: list[str] | None = None, as_text: tuple[str, ...] = ()) -> pa.Table:
    """Read the wanted columns of a CSV file; without any, read its first block, enough to learn the names."""
    reading = pacsv.ReadOptions(use_threads=False)  # errors number their lines only when one thread reads
    if wanted is None:
        with pacsv.open_csv(path, reading) as reader:
            return reader.schema.empty_table()
    converting = pacsv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(as_text, pa.string()), strings_can_be_null=True)
    return pacsv.read_csv(path, reading, convert_options=converting)


def _unreadable(path: Path, parquet: bool, error: BaseException) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    if not parquet and "Empty CSV" in text:
        return f"{path}: holds no line below a header; expected a header line and one line a bar; export the file again."
    if uneven := re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", text):
        line, expected, found = uneven.groups()
        return (
            f"{path}: line {line} has {found} values, expected {expected} as in the header; "
            "the file may be cut off there: correct the line or export the file again."
        )
    kind = "Parquet" if parquet else "CSV"
    return f"{path}: is not a readable {kind} file ({text[:160]}); it may be cut off: export it again."
