"""Commands that read the warehouse, on runs published by hand."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketsim.cli import main
from tests.published_runs import publish_run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original")
    publish_run(root, "aaa111", name="nightly")
    publish_run(root, "bbb222", name="sweep", equity=(100.0, 102.5))
    return root


@pytest.fixture
def root(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(tmp_path / "warehouse"))
    return Path(shutil.copytree(original, tmp_path / "warehouse", symlinks=True))


@pytest.fixture
def marketsim(root: Path) -> Callable[..., Result]:
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def test_runs_are_listed_newest_first(marketsim: Callable[..., Result]) -> None:
    lines = marketsim("runs").stdout.splitlines()
    assert lines[0].split()[:3] == ["run", "name", "status"]
    assert [line.split()[:3] for line in lines[2:]] == [["bbb222", "sweep", "success"], ["aaa111", "nightly", "success"]]
    found = json.loads(marketsim("runs", "--json", "--limit", "1").stdout)["runs"]
    assert [(run["run_id"], run["start_date"]) for run in found] == [("bbb222", "2020-01-02")]


def test_an_empty_warehouse_says_so_and_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(tmp_path / "nothing"))
    listed = CliRunner().invoke(main, ["runs"])
    assert (listed.exit_code, listed.stdout) == (0, "")
    assert "`marketsim run CONFIG` publishes one" in listed.stderr
    assert json.loads(CliRunner().invoke(main, ["runs", "--json"]).stdout) == {"runs": []}
    assert not (tmp_path / "nothing").exists()


def test_sql_prints_an_aligned_table(marketsim: Callable[..., Result]) -> None:
    query = "SELECT * FROM (VALUES ('a', 1, 0.5::DOUBLE, NULL), ('long', 1000, 12.25, true)) AS t(word, count, number, flag) ORDER BY word"
    assert marketsim("sql", query).stdout.splitlines() == [
        "word  count   number  flag",
        "────  ─────  ───────  ────",
        "a         1   0.5000  NULL",
        "long   1000  12.2500  true",
        "(2 rows)",
    ]


def test_sql_as_csv_and_json_keep_every_digit(marketsim: Callable[..., Result]) -> None:
    query = "SELECT 0.1::DOUBLE + 0.2 AS sum, 'a,b' AS word, NULL AS nothing, TIMESTAMP_NS '2020-01-02 21:00:00.123456789' AS at"
    assert marketsim("sql", query, "--csv").stdout == ('sum,word,nothing,at\n0.30000000000000004,"a,b",,2020-01-02 21:00:00.123456789\n')
    assert json.loads(marketsim("sql", query, "--json").stdout) == {
        "columns": ["sum", "word", "nothing", "at"],
        "rows": [{"sum": 0.30000000000000004, "word": "a,b", "nothing": None, "at": "2020-01-02 21:00:00.123456789"}],
        "truncated": False,
    }


def test_sums_of_whole_numbers_and_decimals_are_numbers(marketsim: Callable[..., Result]) -> None:
    query = "SELECT sum(range) AS total, 0.50 AS half FROM range(5)"
    assert marketsim("sql", query).stdout.splitlines()[2] == "   10  0.50"
    assert json.loads(marketsim("sql", query, "--json").stdout)["rows"] == [{"total": 10, "half": 0.5}]


def test_sql_knows_no_nan_in_json_and_tells_equal_names_apart(marketsim: Callable[..., Result]) -> None:
    answer = json.loads(marketsim("sql", "SELECT 'nan'::DOUBLE AS a, 2 AS a", "--json").stdout)
    assert answer["rows"] == [{"a": None, "a_1": 2}]


def test_sql_shows_so_many_rows_and_says_that_there_are_more(marketsim: Callable[..., Result]) -> None:
    many = "SELECT * FROM range(500)"
    assert marketsim("sql", many).stdout.splitlines()[-1] == "… more than 200 rows; raise --max-rows or add a WHERE."
    assert len(marketsim("sql", many, "--csv").stdout.splitlines()) == 501
    cut = marketsim("sql", many, "--csv", "--max-rows", "3")
    assert (len(cut.stdout.splitlines()), cut.stderr) == (4, "more than 3 rows; raise --max-rows for the rest.\n")
    assert marketsim("sql", "SELECT * FROM range(3)", "--max-rows", "3").stdout.splitlines()[-1] == "(3 rows)"


def test_sql_reads_its_question_from_standard_input(marketsim: Callable[..., Result]) -> None:
    assert marketsim("sql", "-", "--csv", input="SELECT 1 AS one").stdout == "one\n1\n"


def test_a_cell_cannot_drive_the_terminal(marketsim: Callable[..., Result]) -> None:
    output = marketsim("sql", "SELECT chr(27) || '[31mred' || chr(10) || 'line' AS word").stdout
    assert "\x1b" not in output
    assert r"\x1b[31mred\nline" in output


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM fils", "fils"),
        ("DROP TABLE runs", "read only"),
        ("SELECT 1; SELECT 2", "exactly one"),
        ("SELECT * FROM read_csv('/etc/passwd')", "cannot be answered"),
        ("", "exactly one"),
    ],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(marketsim: Callable[..., Result], query: str, says: str) -> None:
    for arguments in (("sql", query), ("sql", query, "--json")):
        result = marketsim(*arguments)
        assert result.exit_code == 6
        assert result.stderr.startswith("error: ")
        assert says in result.stderr
        assert "Traceback" not in result.stderr
    answer = json.loads(result.stdout)
    assert (answer["status"], answer["exit_code"]) == ("error", 6)
    assert says in answer["error"]


def test_a_report_is_the_newest_or_the_one_named(root: Path, marketsim: Callable[..., Result]) -> None:
    assert marketsim("report").stdout == f"{root}/runs/bbb222/report.html\n"
    assert marketsim("report", "aaa").stdout == f"{root}/runs/aaa111/report.html\n"
    missing = marketsim("report", "zzz")
    assert (missing.exit_code, missing.stdout) == (6, "")
    assert missing.stderr.startswith("error: There is no published run 'zzz'")


def test_two_runs_are_told_apart_down_to_the_row(marketsim: Callable[..., Result]) -> None:
    same = marketsim("diff", "aaa111", "aaa111")
    assert same.exit_code == 0
    different = marketsim("diff", "aaa111", "bbb222")
    assert different.exit_code == 1
    equity = next(line for line in different.stdout.splitlines() if line.startswith("equity"))
    assert equity.split()[1:4] == ["differs", "2", "2"]
    assert "row 1" in equity
    assert json.loads(marketsim("diff", "aaa111", "bbb222", "--json").stdout)["status"] == "different"


def test_the_warehouse_is_verified_and_a_changed_file_is_named(root: Path, marketsim: Callable[..., Result]) -> None:
    sound = marketsim("warehouse", "verify")
    assert (sound.exit_code, sound.stdout) == (0, f"{root}: 2 runs, every file as it was published.\n")
    victim = root / "tables" / "equity" / "run_id=aaa111" / "part-0.parquet"
    victim.chmod(0o644)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    damaged = marketsim("warehouse", "verify")
    assert damaged.exit_code == 1
    assert str(victim) in damaged.stdout
    answer = json.loads(marketsim("warehouse", "verify", "--json").stdout)
    assert (answer["status"], answer["problems"][0]["path"]) == ("problems", str(victim))


def test_the_warehouse_is_compacted_rebuilt_and_found(root: Path, marketsim: Callable[..., Result]) -> None:
    assert marketsim("warehouse", "path").stdout == f"{root}\n"
    assert json.loads(marketsim("warehouse", "path", "--json").stdout) == {"path": str(root), "catalog_version": 2}
    compacted = json.loads(marketsim("warehouse", "compact", "--keep", "1", "--json").stdout)
    assert (compacted["status"], compacted["versions"]) == ("ok", [1])
    (root / "catalog.duckdb").unlink()
    lost = marketsim("runs")
    assert (lost.exit_code, lost.stderr.startswith("error: ")) == (6, True)
    assert marketsim("warehouse", "rebuild").exit_code == 0
    assert [run["run_id"] for run in json.loads(marketsim("runs", "--json").stdout)["runs"]] == ["bbb222", "aaa111"]
