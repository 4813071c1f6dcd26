"""The five steps without Prefect: what they publish, what they find done already, and what a kill leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

import tasks.simulate
from marketsim.errors import ConfigError, DataError, ProviderError, ValidationStopped
from marketsim.simulate import Simulation
from marketsim.simulate import simulate as simulate_market
from tasks.code_version import code_version
from tasks.ingest import ingest
from tasks.pipeline import run_pipeline
from tasks.references import Outcome, RunRequest
from tasks.report import report
from tasks.simulate import simulate
from tasks.validate import validate
from warehouse import catalog, reader
from warehouse.staging import Staging
from warehouse.verify import verify

PROJECT = Path(__file__).resolve().parents[2]
CONFIG = """
name: small
symbols: [AAPL, IBM]
benchmark: ^GSPC
start: 2010-01-04
end: 2010-06-30
fees: {per_share: 0.01}
strategy: {kind: sma_crossover, fast: 3, slow: 8}
agents:
  - {name: holder, strategy: {kind: buy_and_hold}}
seed: 5
"""
STEP_BY_STEP = """
import sys
from pathlib import Path
from tasks.pipeline import run_pipeline
from tasks.references import RunRequest
run_pipeline(RunRequest(config=Path(sys.argv[1])), Path(sys.argv[2]), lambda sentence: print(sentence, flush=True))
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("configs") / "small.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def published(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    root = tmp_path_factory.mktemp("warehouse")
    return root, run_pipeline(RunRequest(config=config), root)


@pytest.fixture(scope="module")
def simulated(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A warehouse whose one run is staged up to its simulation."""
    root = tmp_path_factory.mktemp("staged")
    run = ingest(RunRequest(config=config), root)
    validate(run, root)
    simulate(run, root)
    return root, run.run_id


@pytest.fixture
def staged(simulated: tuple[Path, str], tmp_path: Path) -> tuple[Path, str]:
    """A copy of it that a test may spoil."""
    root = tmp_path / "warehouse"
    shutil.copytree(simulated[0], root)
    return root, simulated[1]


def digests(root: Path, run_id: str) -> dict[str, str]:
    return {file.table: file.digest for file in reader.manifest(root, run_id).tables}


def test_a_run_publishes_its_tables_and_documents(published: tuple[Path, Outcome]) -> None:
    root, outcome = published
    manifest = reader.manifest(root, outcome.run_id)
    expected = {"runs", "configs", "sources", "bars", "findings", "quarantine", "orders", "fills", "positions", "equity"}
    assert expected | {"round_trips", "metrics", "health"} == {file.table for file in manifest.tables}
    assert {document.name for document in manifest.documents} == {"report.html", "findings.html", "equity.png", "metrics.json"}
    assert outcome.digest == manifest.digest
    assert outcome.is_new
    assert outcome.status == "success"
    assert set(outcome.timings_s) == {"ingest", "validate", "simulate", "report", "publish"}
    assert outcome.counts["bars"] == 3 * 124  # sessions of XNYS from 2010-01-04 to 2010-06-30
    assert verify(root) == []


def test_the_runs_row_says_what_was_run(published: tuple[Path, Outcome], config: Path) -> None:
    root, outcome = published
    row = reader.table(root, outcome.run_id, "runs").to_pylist()[0]
    assert (row["name"], row["seed"], row["n_symbols"], row["n_bars"], row["status"]) == ("small", 5, 2, 124, "success")
    assert (row["start_date"].isoformat(), row["end_date"].isoformat()) == ("2010-01-04", "2010-06-30")
    staged_config = reader.table(root, outcome.run_id, "configs").to_pylist()[0]
    assert row["config_digest"] == staged_config["config_digest"]
    assert json.loads(staged_config["config_json"])["strategy"] == {
        "kind": "sma_crossover",
        "fast": 3,
        "slow": 8,
        "shares": None,
        "short": False,
    }


def test_metrics_json_holds_the_figures_of_the_metrics_table(published: tuple[Path, Outcome]) -> None:
    root, outcome = published
    figures = json.loads(outcome.metrics.read_text(encoding="utf-8"))
    assert figures["run_id"] == outcome.run_id
    assert list(figures["agents"]) == ["strategy", "holder", "benchmark"]
    found = {(agent, metric): value for agent, content in figures["agents"].items() for metric, value in content["metrics"].items()}
    table = reader.metrics(root, outcome.run_id).to_pylist()
    assert found == {(row["agent"], row["metric"]): row["value"] for row in table}


def test_a_repeated_run_publishes_nothing_new_and_says_so(published: tuple[Path, Outcome], config: Path) -> None:
    root, first = published
    before = catalog.current(root)
    said: list[str] = []
    again = run_pipeline(RunRequest(config=config), root, said.append)
    assert catalog.current(root) == before
    assert any("already published; nothing new" in sentence for sentence in said)
    assert not again.is_new
    assert (again.run_id, again.digest, again.summary) == (first.run_id, first.digest, first.summary)


def test_an_override_makes_another_run(published: tuple[Path, Outcome], config: Path) -> None:
    root, first = published
    run = ingest(RunRequest(config=config, overrides={"strategy.fast": 4}), root)
    assert run.run_id != first.run_id
    assert not run.already_published


def test_a_step_that_is_done_is_not_done_again(staged: tuple[Path, str], config: Path) -> None:
    root, run_id = staged
    said: list[str] = []
    run = ingest(RunRequest(config=config), root, said.append)
    assert run.run_id == run_id
    stamps = {path: path.stat().st_mtime_ns for path in Staging(root, run_id).folder.rglob("*.parquet")}
    assert validate(run, root, said.append).n_failed >= 0
    assert simulate(run, root, said.append).n_fills > 0
    assert [s for s in said if "already" in s] == [
        f"run {run_id} is staged already; going on where it stopped",
        "checks are finished already",
        "the simulation is finished already",
    ]
    assert stamps == {path: path.stat().st_mtime_ns for path in Staging(root, run_id).folder.rglob("*.parquet")}


def test_a_damaged_file_is_made_again_by_its_step(staged: tuple[Path, str], config: Path) -> None:
    root, run_id = staged
    run = ingest(RunRequest(config=config), root)
    fills = Staging(root, run_id).table_path("fills")
    whole = fills.read_bytes()
    fills.chmod(0o644)
    fills.write_bytes(whole[:-10])
    said: list[str] = []
    simulate(run, root, said.append)
    assert "the simulation is finished already" not in said
    assert fills.read_bytes() == whole


def test_lost_clean_bars_are_validated_again(staged: tuple[Path, str], config: Path) -> None:
    root, run_id = staged
    run = ingest(RunRequest(config=config), root)
    (Staging(root, run_id).folder / "work" / "clean.arrow").unlink()
    said: list[str] = []
    validate(run, root, said.append)
    assert any(sentence.startswith("checking") for sentence in said)
    assert (Staging(root, run_id).folder / "work" / "clean.arrow").is_file()


def test_a_failed_health_gate_is_published_as_a_failed_run(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unhealthy(*arguments: object, **options: object) -> Simulation:
        result = simulate_market(*arguments, **options)  # type: ignore[arg-type]
        gates = result.health.to_pylist()
        gates[0] |= {"passed": False, "message": "cash is missing."}
        return replace(result, health=pa.Table.from_pylist(gates, result.health.schema))

    monkeypatch.setattr(tasks.simulate, "simulate_market", unhealthy)
    outcome = run_pipeline(RunRequest(config=config), tmp_path)
    assert (outcome.status, outcome.reason) == ("failed", "cash is missing.")
    assert reader.run(tmp_path, outcome.run_id).status == "failed"


def test_validation_stops_a_run_before_anything_is_published(tmp_path: Path) -> None:
    rows = ["date,open,high,low,close,volume", *(f"2020-01-{day:02d},10,9,11,10,100" for day in (2, 3, 6, 7, 8))]
    (tmp_path / "bad.csv").write_text("\n".join(rows), encoding="utf-8")
    description = (
        "name: bad\nsymbols: [BAD]\nstart: 2020-01-02\nend: 2020-01-08\nstrategy: {kind: buy_and_hold}\n"
        "providers: [{kind: file, path: bad.csv, columns: {time: date}}]\nvalidation: {stop_on: error}\n"
    )
    (tmp_path / "bad.yaml").write_text(description, encoding="utf-8")
    root = tmp_path / "warehouse"
    with pytest.raises(ValidationStopped, match="the run stops at error") as stopped:
        run_pipeline(RunRequest(config=tmp_path / "bad.yaml"), root)
    page = Path(str(stopped.value).rpartition("All findings: ")[2])
    assert page.is_file()
    assert catalog.current(root) == 0
    assert not (root / "runs").exists()


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        (CONFIG.replace("seed: 5", "sed: 5"), ConfigError, "did you mean 'seed'"),
        (CONFIG.replace("AAPL, IBM", "ZZZZ"), DataError, "ZZZZ is not among the bundled samples"),
    ],
)
def test_what_cannot_be_run_is_a_sentence_and_leaves_nothing(text: str, error: type[Exception], words: str, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        run_pipeline(RunRequest(config=tmp_path / "run.yaml"), tmp_path / "warehouse")
    assert not (tmp_path / "warehouse").exists()


def test_a_run_killed_again_and_again_ends_like_one_never_disturbed(config: Path, published: tuple[Path, Outcome], tmp_path: Path) -> None:
    """Killed in its checks, its simulation and its report, finished on one thread: the same bytes as undisturbed on all."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    environment = {**os.environ, **one_thread, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", STEP_BY_STEP, str(config), str(tmp_path)]
    for last_words in ("validate: checking", "simulate: strategy", "report: drawing"):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(last_words):
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        assert catalog.current(tmp_path) == 0
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "validate: checks are finished already" in said
    assert "simulate: the simulation is finished already" in said
    _, undisturbed = published
    assert digests(tmp_path, undisturbed.run_id) == digests(published[0], undisturbed.run_id)
    documents = {d.name: d.sha256 for d in reader.manifest(tmp_path, undisturbed.run_id).documents}
    assert documents == {d.name: d.sha256 for d in reader.manifest(published[0], undisturbed.run_id).documents}


def test_a_sweep_publishes_one_run_with_its_trials(config: Path, tmp_path: Path) -> None:
    text = CONFIG + "sweep: {parameters: {strategy.fast: [2, 3], strategy.slow: [8, 13]}}\n"
    (tmp_path / "sweep.yaml").write_text(text, encoding="utf-8")
    outcome = run_pipeline(RunRequest(config=tmp_path / "sweep.yaml"), tmp_path / "warehouse")
    trials = reader.table(tmp_path / "warehouse", outcome.run_id, "trials").to_pylist()
    assert [row["n_trials"] for row in trials] == [4] * 4
    best = max(trials, key=lambda row: row["sharpe"])
    assert best["chosen"]
    metrics = {
        row["metric"]: row["value"]
        for row in reader.metrics(tmp_path / "warehouse", outcome.run_id).to_pylist()
        if row["agent"] == "strategy"
    }
    assert metrics["sharpe"] == pytest.approx(best["sharpe"])
    assert metrics["deflated_sharpe"] < metrics["probabilistic_sharpe"]
    assert len(reader.runs(tmp_path / "warehouse")) == 1


def test_editing_an_own_strategy_makes_another_code_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketsim.config.run import RunSpec

    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "my_own_strategies.py"
    module.write_text("A = 1\n", encoding="utf-8")
    base = {"name": "own", "symbols": ["AAPL"], "start": "2010-01-04"}
    own = RunSpec.model_validate({**base, "strategy": {"kind": "my_own_strategies:Mine"}})
    before = code_version(own)
    module.write_text("A = 2\n", encoding="utf-8")
    assert code_version(own) != before
    assert before.startswith(code_version(RunSpec.model_validate({**base, "strategy": {"kind": "buy_and_hold"}})) + ".")


def test_the_report_step_needs_nothing_but_the_staging_folder(staged: tuple[Path, str], config: Path) -> None:
    root, run_id = staged
    run = ingest(RunRequest(config=config), root)
    made = report(run, root)
    assert made.run_id == run_id
    assert Staging(root, run_id).done("report")


@pytest.mark.parametrize("retryable", [True, False])
def test_a_provider_that_may_answer_later_is_told_from_one_that_will_not(
    retryable: bool, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        name, remote = "silent", False

        def request(self, symbol: str, interval: str) -> str:
            return f"silent {symbol} {interval}"

        def fetch(self, symbol: str, *_: object) -> pa.Table:
            raise ProviderError(f"{symbol}: no answer.", retryable=retryable)

    monkeypatch.setattr("marketsim.data.ingest.build_providers", lambda *_: [Silent()])
    with pytest.raises(DataError, match=r"AAPL: no answer\.\nIBM: no answer\.") as caught:
        ingest(RunRequest(config=config), tmp_path)
    assert getattr(caught.value, "retryable", False) is retryable
