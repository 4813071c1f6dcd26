"""Data files with every fault we could think of: a file that cannot be used is refused, bad rows in a good file are findings."""

import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from marketsim.cli import main
from marketsim.config.file import load_spec
from marketsim.data.ingest import ingest
from tests.faults.conftest import Laboratory

# The sessions of the New York Stock Exchange in January and February 2012: weekdays without New Year's Day (observed),
# Martin Luther King's and Presidents' Day.
JANUARY = [3, 4, 5, 6, 9, 10, 11, 12, 13, 17, 18, 19, 20, 23, 24, 25, 26, 27, 30, 31]
FEBRUARY = [1, 2, 3, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 21, 22, 23, 24, 27, 28, 29]
DATES = [f"2012-01-{day:02d}" for day in JANUARY] + [f"2012-02-{day:02d}" for day in FEBRUARY]
HEADER = "Date,Open,High,Low,Close,Volume"
ROWS = [f"{date},{100 + n}.0,{102 + n}.0,{99 + n}.0,{101 + n}.5,{1000 + n}" for n, date in enumerate(DATES)]
GOOD = "\n".join([HEADER, *ROWS]) + "\n"
CONFIG = """\
name: tiny
symbols: [AAPL]
start: 2012-01-03
end: 2012-02-29
strategy: {kind: buy_and_hold}
providers: [{kind: file, path: %s}]
"""


def with_row(n: int, row: str) -> str:
    return "\n".join([HEADER, *ROWS[:n], row, *ROWS[n + 1 :]]) + "\n"


def with_value(n: int, column: str, value: str) -> str:
    cells = ROWS[n].split(",")
    cells[HEADER.split(",").index(column)] = value
    return with_row(n, ",".join(cells))


def without_column(column: str) -> str:
    table = pacsv.read_csv(io.BytesIO(GOOD.encode())).drop_columns([column])
    out = io.BytesIO()
    pacsv.write_csv(table, out)
    return out.getvalue().decode()


def parquet(change: Callable[[pa.Table], pa.Table] = lambda table: table) -> bytes:
    out = io.BytesIO()
    pq.write_table(change(pacsv.read_csv(io.BytesIO(GOOD.encode()))), out)
    return out.getvalue()


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "an empty file": ("", r"bars\.csv: .*(empty|holds no)"),
    "only a header": (HEADER + "\n", r"bars\.csv: holds no .*; expected"),
    "only blank lines": ("\n\n\n", r"bars\.csv: "),
    "no header": ("\n".join(ROWS), r"bars\.csv: has no column for time; .*2012-01-03"),
    **{
        f"no column {column}": (
            without_column(column),
            rf"bars\.csv: has no column for {'time' if column == 'Date' else column.lower()}; .* under `columns`",
        )
        for column in HEADER.split(",")
    },
    "a misspelt column": (GOOD.replace("Close", "Clsoe"), r"bars\.csv: has no column for close; the nearest is 'Clsoe'"),
    "a column twice": (GOOD.replace("Volume", "Close"), r"bars\.csv: has 2 columns named 'Close', expected one"),
    "semicolons": (GOOD.replace(",", ";"), r"bars\.csv: has no column for time; .*Is the separator a comma\?"),
    "tabs": (GOOD.replace(",", "\t"), r"bars\.csv: has no column for time; .*Is the separator a comma\?"),
    "pipes": (GOOD.replace(",", "|"), r"bars\.csv: has no column for time; .*Is the separator a comma\?"),
    **{
        f"text in {column}": (with_value(4, column, "n/a?"), rf"bars\.csv, row 5: {column} is 'n/a\?'; expected a number")
        for column in HEADER.split(",")[1:]
    },
    "a decimal comma": (with_value(4, "Close", '"105,5"'), r"bars\.csv, row 5: Close is '105,5'; expected a number with a point"),
    "thousands separators": (
        with_value(4, "Volume", '"1,004"'),
        r"bars\.csv, row 5: Volume is '1,004'; expected a number .*no thousands separators",
    ),
    "a currency sign": (with_value(4, "Open", "$104"), r"bars\.csv, row 5: Open is '\$104'; expected a number"),
    "a formula": (with_value(4, "Open", "=B4+1"), r"bars\.csv, row 5: Open is '=B4\+1'; expected a number"),
    "dates for prices": (with_value(4, "High", "2012-01-09"), r"bars\.csv, row 5: High is '2012-01-09'; expected a number"),
    "a word for a date": (with_value(4, "Date", "Monday"), r"bars\.csv, row 5: Date is 'Monday'; expected a date"),
    "an American date": (with_value(4, "Date", "01/09/2012"), r"bars\.csv, row 5: Date is '01/09/2012'; expected a date"),
    "a 31st of February": (with_value(4, "Date", "2012-02-31"), r"bars\.csv, row 5: Date is '2012-02-31'; expected a date"),
    "an empty date": (with_value(4, "Date", ""), r"bars\.csv, row 5: Date is None; expected a date|row 5: Date is '' *; expected a date"),
    "a date of the year 202": (with_value(4, "Date", "0202-01-09"), r"bars\.csv, row 5: Date is '0202-01-09'; expected a date from 1900"),
    "a date of the year 9999": (with_value(4, "Date", "9999-01-09"), r"bars\.csv, row 5: Date is '9999-01-09'; expected a date from 1900"),
    "a file cut off within a row": (GOOD[: GOOD.index("2012-01-20") + 14], r"bars\.csv: line 14 has 2 values, expected 6 as in the header"),
    "a row with a value too many": (with_row(4, ROWS[4] + ",7"), r"bars\.csv: line 6 has 7 values, expected 6"),
    "a quote that never ends": (GOOD.replace("2012-01-09", '"2012-01-09'), r"bars\.csv: "),
    "a page of HTML": ("<!doctype html>\n<html><body>404 not found</body></html>\n", r"bars\.csv: has no column for time"),
    "an answer in JSON": ('{"error": "Too Many Requests", "code": 429}\n{}\n', r"bars\.csv: "),
    "binary junk": (bytes(range(256)) * 20, r"bars\.csv: "),
    "null bytes": (b"\x00" * 4096, r"bars\.csv: "),
    "utf-16": (GOOD.encode("utf-16"), r"bars\.csv: "),
    "a compressed file": (gzip.compress(GOOD.encode()), r"bars\.csv: "),
    "a Parquet file called CSV": (parquet(), r"bars\.csv: "),
    "another period": (GOOD.replace("2012-", "2008-"), r"bars\.csv.*2012-01-03|no bar.*2012-01-03"),
    "dates of the future": (GOOD.replace("2012-", "2036-"), r"bars\.csv.*2012-01-03|no bar.*2012-01-03"),
    "only Saturdays": (
        "\n".join([HEADER, *(f"2012-01-{day:02d}{row[10:]}" for day, row in zip((7, 14, 21, 28), ROWS, strict=False))]),
        r"AAPL",
    ),
    "all prices missing": ("\n".join([HEADER, *(f"{row[:10]},,,,,1000" for row in ROWS)]), r"AAPL.*(quarantined|no usable|without)"),
    "all prices NaN": (
        "\n".join([HEADER, *(f"{row[:10]},nan,nan,nan,nan,1000" for row in ROWS)]),
        r"AAPL.*(quarantined|no usable|without)",
    ),
    "all prices negative": (GOOD.replace(",1", ",-1"), r"AAPL.*(quarantined|no usable|without)"),
    "all prices infinite": (
        "\n".join([HEADER, *(f"{row[:10]},inf,inf,inf,inf,1000" for row in ROWS)]),
        r"AAPL.*(quarantined|no usable|without)",
    ),
    "half the prices zero": ("\n".join([HEADER, *ROWS[:20], *(f"{row[:10]},0,0,0,0,1000" for row in ROWS[20:])]), r"AAPL.*quarantined"),
    "every row twice with other prices": (
        GOOD + "\n".join(row.replace(",1", ",2", 1) for row in ROWS),
        r"AAPL.*(quarantined|no usable|without)",
    ),
    "prices beyond all measure": (
        "\n".join([HEADER, *(f"{row[:10]},1e300,1e300,1e300,1e300,1e300" for row in ROWS)]),
        r"AAPL.*(quarantined|no usable|without)",
    ),
}


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_used_is_refused(laboratory: Laboratory, content: str | bytes, says: str) -> None:
    laboratory.write("bars.csv", content)
    laboratory.run(CONFIG % "bars.csv").must_say(says)


REFUSED_PARQUET: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", r"bars\.parquet: is not a readable Parquet file"),
    "cut off at the end": (parquet()[:-1], r"bars\.parquet: is not a readable Parquet file .*; it may be cut off"),
    "cut off in the middle": (parquet()[: len(parquet()) // 2], r"bars\.parquet: is not a readable Parquet file"),
    "cut off at the start": (parquet()[:6], r"bars\.parquet: is not a readable Parquet file"),
    "without its first bytes": (parquet()[100:], r"bars\.parquet: "),
    "a CSV file called Parquet": (GOOD.encode(), r"bars\.parquet: is not a readable Parquet file"),
    "pages overwritten": (parquet()[:20] + b"\xff" * 200 + parquet()[220:], r"bars\.parquet: "),
    "no rows": (parquet(lambda table: table.slice(0, 0)), r"bars\.parquet: holds no row"),
    "no column Close": (parquet(lambda table: table.drop_columns(["Close"])), r"bars\.parquet: has no column for close"),
    "prices as text": (
        parquet(lambda table: table.set_column(4, "Close", pa.array(["a"] * 40))),
        r"bars\.parquet, row 1: Close is 'a'; expected a number",
    ),
    "prices as booleans": (
        parquet(lambda table: table.set_column(4, "Close", pa.array([True] * 40))),
        r"bars\.parquet, row 1: Close is True; expected a number",
    ),
    "prices as lists": (
        parquet(lambda table: table.set_column(4, "Close", pa.array([[1.0]] * 40))),
        r"bars\.parquet, row 1: Close is \[1\.0\]; expected a number",
    ),
    "dates as fractions": (
        parquet(lambda table: table.set_column(0, "Date", pa.array([0.5] * 40))),
        r"bars\.parquet, row 1: Date is 0\.5; expected a date",
    ),
    "dates missing": (
        parquet(lambda table: table.set_column(0, "Date", pa.nulls(40, pa.date32()))),
        r"bars\.parquet, row 1: Date is None; expected a date",
    ),
}


@pytest.mark.parametrize(("content", "says"), REFUSED_PARQUET.values(), ids=REFUSED_PARQUET)
def test_a_parquet_file_that_cannot_be_used_is_refused(laboratory: Laboratory, content: bytes, says: str) -> None:
    laboratory.write("bars.parquet", content)
    laboratory.run(CONFIG % "bars.parquet").must_say(says)


WHERE = {
    "no such file": ("providers: [{kind: file, path: brs.csv}]", r"brs\.csv: no such file; did you mean bars\.csv\?"),
    "a folder": ("providers: [{kind: file, path: .}]", r"is a folder; name one file"),
    "a file a symbol that is not there": ("providers: [{kind: file, path: '{symbol}.csv'}]", r"AAPL\.csv: no such file"),
    "a mapping to a column that is not there": (
        "providers: [{kind: file, path: bars.csv, columns: {close: Clsoe}}]",
        r"bars\.csv: has no column 'Clsoe', to which `columns` maps close; did you mean 'Close'\?",
    ),
    "a mapping of a name no bar has": (
        "providers: [{kind: file, path: bars.csv, columns: {clsoe: Close}}]",
        r"'clsoe'.* did you mean close\?",
    ),
    "a zone nobody has": (
        "providers: [{kind: file, path: bars.csv, timezone: America/NewYork}]",
        r"timezone 'America/NewYork' is not an IANA zone; did you mean America/New_York\?",
    ),
    "a symbol the samples do not have": ("symbols: [ZZZZ]\nproviders: [{kind: sample}]", r"ZZZZ"),
    "a misspelt symbol": ("symbols: [APPL]\nproviders: [{kind: sample}]", r"APPL.*AAPL"),
    "a period before the samples": ("start: 1950-01-03\nend: 1950-06-30\nproviders: [{kind: sample}]", r"AAPL.*1950-01-03|1950-01-03"),
    "a period after the samples": ("start: 2040-01-03\nend: 2040-06-29\nproviders: [{kind: sample}]", r"AAPL"),
    "a calendar that has no such days": ("calendar: XTKS\nstart: 2012-01-02\nend: 2012-01-03\nproviders: [{kind: sample}]", r"AAPL"),
    "a calendar nobody has": ("calendar: XNYZ\nproviders: [{kind: sample}]", r"XNYZ"),
    "daily files for an intraday run": (
        "horizon: intraday\nproviders: [{kind: file, path: bars.csv}]",
        r"bars\.csv, row 1: Date is .*; expected a date and time",
    ),
}


@pytest.mark.parametrize(("changes", "says"), WHERE.values(), ids=WHERE)
def test_data_that_are_not_where_the_run_looks_are_named(laboratory: Laboratory, changes: str, says: str) -> None:
    laboratory.write("bars.csv", GOOD)
    keys = {line.partition(":")[0] for line in changes.splitlines()}
    kept = [line for line in (CONFIG % "bars.csv").splitlines() if line.partition(":")[0] not in keys]
    laboratory.run("\n".join([*kept, *changes.splitlines()]) + "\n").must_say(says)


def minutes(times: Sequence[str]) -> str:
    return "\n".join(["time,open,high,low,close,volume", *(f"{time},100,101,99,100.5,500" for time in times)]) + "\n"


INTRADAY = {
    "an hour that never was": (
        minutes(["2012-03-11 02:30:00", "2012-03-12 09:31:00"]),
        "America/New_York",
        r"bars\.csv, row 1: .*exists in America/New_York",
    ),
    "offsets in some rows only": (
        minutes(["2012-01-03T09:30:00-05:00", "2012-01-03T09:31:00"]),
        "UTC",
        r"bars\.csv, row 2: .*the same way in every row",
    ),
    "times without dates": (minutes(["09:30:00", "09:31:00"]), "UTC", r"bars\.csv, row 1: time is .*; expected a date and time"),
    "the wrong time zone": (minutes([f"2012-01-03 09:{m}:00" for m in range(30, 50)]), "Asia/Tokyo", r"AAPL|bars\.csv"),
}


@pytest.mark.parametrize(("content", "zone", "says"), INTRADAY.values(), ids=INTRADAY)
def test_times_that_cannot_be_right_are_refused(laboratory: Laboratory, content: str, zone: str, says: str) -> None:
    laboratory.write("bars.csv", content)
    config = (CONFIG % f"bars.csv, timezone: {zone}") + "horizon: intraday\ninterval: 1m\n"
    laboratory.run(config.replace("end: 2012-02-29", "end: 2012-03-30")).must_say(says)


# Faults in a few rows: what the file would look like, the check that finds it, and how many rows are set aside.
FOUND: dict[str, tuple[str, str, int]] = {
    "a negative price": (with_value(4, "Low", "-3"), "positive_prices", 1),
    "a price of zero": (with_value(4, "Open", "0"), "positive_prices", 1),
    "a missing price": (with_value(4, "Close", ""), "required_values", 1),
    "a price that is no number": (with_value(4, "Close", "nan"), "required_values", 1),
    "an infinite price": (with_value(4, "High", "inf"), "plausible_sizes", 1),
    "a huge price": (with_row(4, "2012-01-09,1e300,1e300,1e300,1e300,1000"), "plausible_sizes", 1),
    "a high below the low": (with_value(4, "High", "50"), "price_bounds", 1),
    "a close above the high": (with_value(4, "Close", "900"), "price_bounds", 1),
    "a negative volume": (with_value(4, "Volume", "-1"), "volume_not_negative", 1),
    "a row twice": ("\n".join([HEADER, *ROWS[:5], ROWS[4], *ROWS[5:]]) + "\n", "repeated_bars", 1),
    "two rows that contradict each other": (
        "\n".join([HEADER, *ROWS[:5], ROWS[4].replace("1004", "9"), *ROWS[5:]]) + "\n",
        "conflicting_bars",
        2,
    ),
    "a Saturday": ("\n".join([HEADER, *ROWS[:4], ROWS[4].replace("01-09", "01-07"), *ROWS[4:]]) + "\n", "sessions_only", 1),
    "a missing session": ("\n".join([HEADER, *ROWS[:4], *ROWS[5:]]) + "\n", "missing_sessions", 0),
    "an unexplained jump": (with_row(30, "2012-02-15,330,332,329,331.5,1030"), "price_jumps", 0),
    "a volume of zero": (with_value(4, "Volume", "0"), "zero_volume", 0),
    "the same close six days running": (
        "\n".join([HEADER, *ROWS[:4], *(",".join([*row.split(",")[:1], "105,106,104,105", "1000"]) for row in ROWS[4:10]), *ROWS[10:]])
        + "\n",
        "stale_prices",
        0,
    ),
}


@pytest.fixture(scope="module")
def run_with_bad_rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Run a symbol for each file at once, and return the symbols in the order of ``FOUND``."""
    folder = tmp_path_factory.mktemp("found")
    symbols = [f"F{n:02d}" for n in range(len(FOUND))]
    for symbol, (content, _, _) in zip(symbols, FOUND.values(), strict=True):
        (folder / f"{symbol}.csv").write_text(content)
    config = (CONFIG % "'{symbol}.csv'").replace("AAPL", ", ".join(symbols))
    (folder / "run.yaml").write_text(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKETSIM_WAREHOUSE", str(folder / "warehouse"))
        result = CliRunner().invoke(main, ["run", str(folder / "run.yaml"), "--json"])
        assert result.exit_code == 0, result.stderr
        yield symbols


@pytest.mark.parametrize("fault", FOUND)
def test_a_bad_row_is_found_and_set_aside_and_the_run_goes_on(run_with_bad_rows: list[str], fault: str) -> None:
    _, check, n_quarantined = FOUND[fault]
    symbol = run_with_bad_rows[list(FOUND).index(fault)]
    found = asked(f"SELECT n_unexpected, message FROM findings WHERE NOT success AND check_name = '{check}' AND symbol = '{symbol}'")
    assert len(found) == 1
    assert found[0]["n_unexpected"] >= 1
    assert symbol in found[0]["message"]
    set_aside = asked(f"SELECT reason, row_json FROM quarantine WHERE check_name = '{check}' AND symbol = '{symbol}'")
    assert len(set_aside) == n_quarantined
    assert all(symbol in row["row_json"] and row["reason"].endswith(".") for row in set_aside)


def asked(sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(CliRunner().invoke(main, ["sql", sql, "--json"]).stdout)["rows"]
    return rows


UNHARMED = {
    "rows in any order": "\n".join([HEADER, *reversed(ROWS)]) + "\n",
    "a byte order mark": "\ufeff" + GOOD,
    "Windows line ends": GOOD.replace("\n", "\r\n"),
    "no line end at the end": GOOD.rstrip("\n"),
    "blanks around values": GOOD.replace(",", " , "),
    "quotes around every value": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()) + "\n",
    "a column more": "\n".join(f"{line},{'Note' if line == HEADER else 'x'}" for line in GOOD.splitlines()) + "\n",
}


@pytest.mark.parametrize("content", UNHARMED.values(), ids=UNHARMED)
def test_a_harmless_oddity_changes_nothing(tmp_path: Path, content: str) -> None:
    digests = set()
    for text in (GOOD, content):
        (tmp_path / "bars.csv").write_text(text, newline="")
        (tmp_path / "run.yaml").write_text(CONFIG % "bars.csv")
        digests.add(ingest(load_spec(tmp_path / "run.yaml"), base_dir=tmp_path, cache_dir=tmp_path / "cache").digest)
    assert len(digests) == 1
