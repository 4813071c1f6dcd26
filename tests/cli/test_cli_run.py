"""The whole way from a description to a published run and back, on half a year of one bundled stock."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from marketsim.cli import main

CONFIG = """\
name: tiny
symbols: [AAPL]
start: 2012-01-03
end: 2012-06-29
account: {cash: 10000}
strategy: {kind: sma_crossover, fast: 5, slow: 10, shares: 10}
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("run")
    (folder / "tiny.yaml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARKETSIM_WAREHOUSE", str(folder / "warehouse"))
        result = CliRunner().invoke(main, ["run", str(folder / "tiny.yaml"), "--json"])
    assert result.exit_code == 0, result.stderr
    return folder, json.loads(result.stdout)


@pytest.fixture
def folder(published: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(published[0] / "warehouse"))
    return published[0]


def marketsim(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_run_tells_machines_what_came_of_it(published: tuple[Path, dict[str, object]]) -> None:
    _, outcome = published
    assert {"run_id", "status", "digest", "timings_s", "counts", "is_new", "report"} <= set(outcome)
    assert (outcome["status"], outcome["is_new"]) == ("success", True)
    assert list(outcome["timings_s"]) == ["ingest", "validate", "simulate", "report", "publish"]
    assert outcome["counts"]["bars"] == 20 + 20 + 22 + 20 + 22 + 21  # New York sessions a month, January to June 2012
    assert Path(outcome["report"]).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_second_run_publishes_nothing_new_and_says_so(folder: Path, published: tuple[Path, dict[str, object]]) -> None:
    again = json.loads(marketsim("run", folder / "tiny.yaml", "--json").stdout)
    assert (again["is_new"], again["run_id"], again["digest"]) == (False, published[1]["run_id"], published[1]["digest"])
    shown = marketsim("run", folder / "tiny.yaml")
    assert shown.exit_code == 0
    assert "already published" in shown.stdout
    assert f"marketsim sql \"SELECT agent, value FROM metrics WHERE run_id = '{again['run_id']}'" in shown.stdout
    assert "ingest: AAPL: 125 bars" in shown.stderr


def test_a_setting_from_outside_makes_another_run_and_the_difference_is_named(
    folder: Path, published: tuple[Path, dict[str, object]]
) -> None:
    other = json.loads(marketsim("run", folder / "tiny.yaml", "--set", "strategy.fast=4", "--json").stdout)
    assert other["run_id"] != published[1]["run_id"]
    difference = json.loads(marketsim("diff", published[1]["run_id"], other["run_id"], "--json").stdout)
    assert difference["settings"] == [{"key": "strategy.fast", "a": 5, "b": 4}]
    assert {table["table"] for table in difference["tables"] if table["equal"]} >= {"bars", "sources", "findings"}


def test_a_published_run_is_reproduced_table_by_table(folder: Path, published: tuple[Path, dict[str, object]]) -> None:
    result = marketsim("reproduce", published[1]["run_id"], "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["status"], answer["reproduced_digest"]) == ("identical", published[1]["digest"])
    assert {table["table"] for table in answer["tables"]} == set(published[1]["counts"])


def test_a_table_that_was_changed_is_not_reproduced(
    folder: Path, tmp_path: Path, published: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bars on disk are replaced by others; what is made from them, and the bars themselves, differ from what was published."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    root = Path(shutil.copytree(folder / "warehouse", tmp_path / "warehouse", symlinks=True))
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(root))
    path = root / "tables" / "bars" / f"run_id={published[1]['run_id']}" / "part-0.parquet"
    bars = pq.ParquetFile(path).read()
    position = bars.schema.get_field_index("close_price")
    dearer = pa.chunked_array([pc.multiply(bars["close_price"], 1.0 + 1e-12).combine_chunks()])
    path.unlink()
    pq.write_table(bars.set_column(position, bars.schema.field(position), dearer), path)
    result = marketsim("reproduce", published[1]["run_id"])
    assert result.exit_code == 1
    assert "was not reproduced: " in result.stdout
    assert next(line for line in result.stdout.splitlines() if line.startswith("bars")).split()[1] == "DIFFERS"
    assert next(line for line in result.stdout.splitlines() if line.startswith("configs")).split()[1] == "identical"


def test_a_run_of_other_code_says_which(folder: Path, published: tuple[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import code_version

    monkeypatch.setattr(code_version, "code_version", lambda *_: "0.2.0+other")
    result = marketsim("reproduce", published[1]["run_id"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("reproduced by 0.2.0+other.")


def test_a_configuration_is_shown_with_its_defaults_and_reads_the_same_again(folder: Path, tmp_path: Path) -> None:
    shown = marketsim("config", "show", folder / "tiny.yaml", "--set", "account.cash=5")
    (tmp_path / "shown.yaml").write_text(shown.stdout)
    as_json = json.loads(marketsim("config", "show", tmp_path / "shown.yaml", "--json").stdout)
    assert as_json["account"] == {
        "cash": 5.0,
        "currency": "USD",
        "max_leverage": 1.0,
        "allow_short": True,
        "lot_size": 1.0,
        "borrow_rate_bps": 0.0,
    }


def test_configurations_are_checked_one_line_each(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(CONFIG + "sede: 1\n")
    result = marketsim("config", "check", folder / "tiny.yaml", tmp_path / "bad.yaml")
    assert result.exit_code == 2
    assert result.stdout.startswith(f"{folder / 'tiny.yaml'}: OK  tiny  digest ")
    assert result.stderr == f"error: {tmp_path / 'bad.yaml'}, line 7: unknown key 'sede'; did you mean 'seed'?\n"
    answer = json.loads(marketsim("config", "check", folder / "tiny.yaml", "--json").stdout)
    assert (answer["status"], answer["files"][0]["name"]) == ("ok", "tiny")


def test_a_check_builds_the_strategies_too(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        CONFIG.replace("{kind: sma_crossover, fast: 5, slow: 10, shares: 10}", "{kind: 'no_such_module:Mine'}")
    )
    result = marketsim("config", "check", tmp_path / "own.yaml")
    assert result.exit_code == 2
    assert "own.yaml, strategy: strategy no_such_module:Mine: No module named 'no_such_module'" in result.stderr


def test_the_schema_is_written_where_asked(tmp_path: Path) -> None:
    assert marketsim("config", "schema", "--output", tmp_path / "schema.json").exit_code == 0
    assert json.loads((tmp_path / "schema.json").read_text()) == json.loads(marketsim("config", "schema").stdout)
    refused = marketsim("config", "schema", "--output", tmp_path / "no" / "schema.json")
    assert (refused.exit_code, refused.stderr.endswith("cannot be written (No such file or directory); choose another place.\n")) == (
        1,
        True,
    )


def test_strategies_are_listed_with_their_parameters() -> None:
    listed = json.loads(marketsim("strategies", "--json").stdout)
    assert listed["sma_crossover"]["parameters"]["fast"] == {
        "type": "whole number",
        "default": 20,
        "required": False,
        "description": "Window of the fast average, bars.",
    }
    text = marketsim("strategies").stdout
    assert all(kind in text for kind in listed)
