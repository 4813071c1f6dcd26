"""The flows on a Prefect server of their own: what they publish, show, retry, cache and clear away."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_HOME, PREFECT_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from flows.automations import LOST_RUN, ensure_automations
from flows.forms import NightlyForm, SweepForm
from flows.nightly import nightly_backtest
from flows.retention import forget_flow_runs
from flows.sweep import parameter_sweep
from marketsim.errors import ConfigError, DataError, ProviderError, RunFailed
from tasks import orchestrated
from tasks.references import Outcome, RunRef, RunRequest
from tests.replay.lobster_writer import write_day
from warehouse import reader
from warehouse.staging import Staging

CONFIG = """
name: small
symbols: [AAPL]
start: 2010-01-04
end: 2010-03-31
strategy: {kind: sma_crossover, fast: 3, slow: 8}
"""
SWEEP = CONFIG + "sweep: {parameters: {strategy.fast: [2, 3], strategy.slow: [8, 13]}}\n"


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("prefect")
    own = {PREFECT_HOME: home, PREFECT_LOCAL_STORAGE_PATH: home / "storage"}
    with temporary_settings(updates=own), prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flows")
    (folder / "small.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARKETSIM_WAREHOUSE", str(tmp_path / "warehouse"))
    return tmp_path / "warehouse"


def state_of(run: Any) -> tuple[str, Any]:
    state: State[Any] = run
    return state.name or "", state.result(raise_on_failure=False)


def task_runs(flow_run_name: str) -> dict[str, tuple[str, int]]:
    """Return state and number of tries of each task of the newest flow run of that name."""
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=[flow_run_name]))
        newest = client.read_flow_runs(flow_run_filter=named, sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
        runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[newest.id])))
        return {run.name: (run.state_name or "", run.run_count) for run in runs}


def test_the_nightly_flow_publishes_a_run_and_shows_it(folder: Path, root: Path) -> None:
    name, outcome = state_of(nightly_backtest(NightlyForm(config=str(folder / "small.yaml")), return_state=True))
    assert name == "Completed"
    assert isinstance(outcome, Outcome)
    assert reader.run(root, outcome.run_id).digest == outcome.digest
    assert list(outcome.timings_s) == ["ingest", "validate", "simulate", "report", "publish"]

    async def artifacts() -> dict[str, tuple[str, Any]]:
        async with get_client() as client:
            return {a.key: (a.type or "", a.data) for a in await client.read_artifacts() if a.key}

    shown = asyncio.run(artifacts())
    assert {key: kind for key, (kind, _) in shown.items()} == {
        "small-findings": "markdown",
        "small-summary": "markdown",
        "small-metrics": "table",
        "small-equity": "image",
        "small-report": "markdown",
    }
    assert str(shown["small-equity"][1]).startswith("data:image/png;base64,")
    assert outcome.run_id in str(shown["small-summary"][1])

    again = nightly_backtest(NightlyForm(config=str(folder / "small.yaml")))
    assert not again.is_new
    assert again.digest == outcome.digest


def test_the_nightly_flow_runs_in_a_recorded_market(folder: Path, root: Path) -> None:
    path = write_day(folder, minutes=10)
    replay = f"market: {{kind: replay}}\nhorizon: intraday\nproviders: [{{kind: recording, path: {path.name}}}]\n"
    text = CONFIG.replace("AAPL", "ACME").replace("2010-01-04", "2024-03-04").replace("2010-03-31", "2024-03-04")
    (folder / "replay.yaml").write_text(text + replay, encoding="utf-8")
    outcome = nightly_backtest(NightlyForm(config=str(folder / "replay.yaml")))
    assert (outcome.status, outcome.counts["bars"], outcome.counts["health"]) == ("success", 10, 5)


def test_a_wrong_configuration_fails_at_once_and_is_not_retried(folder: Path, root: Path) -> None:
    form = NightlyForm(config=str(folder / "small.yaml"), overrides={"strategy.slow": 2})
    name, fault = state_of(nightly_backtest(form, return_state=True))
    assert name == "Failed"
    assert isinstance(fault, ConfigError)
    assert task_runs(form.label) == {"ingest small": ("Failed", 1)}
    assert not root.exists()


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (ProviderError("the provider is busy.", retryable=True), 4),
        (ProviderError("the provider knows no such symbol.", retryable=False), 1),
        (DataError("no symbol has bars."), 1),
    ],
)
def test_only_what_may_pass_is_tried_again(fault: Exception, tries: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(*arguments: object) -> RunRef:
        asked.append(arguments)
        raise fault

    monkeypatch.setattr(orchestrated, "ingest", refuse)
    impatient = orchestrated.ingest_run.with_options(retry_delay_seconds=0)

    @flow
    def only_ingest() -> RunRef:
        return impatient(RunRequest(config=Path("x.yaml")), root)

    assert state_of(only_ingest(return_state=True))[0] == "Failed"
    assert len(asked) == tries


def test_a_finished_step_is_cached_until_its_staging_folder_is_begun_anew(folder: Path, root: Path) -> None:
    names: list[str] = []

    @flow
    def steps() -> None:
        for restart in (False, False, True):
            if restart:
                shutil.rmtree(root / "staging")
            run = orchestrated.ingest_run(RunRequest(config=folder / "small.yaml"), root)
            names.append(orchestrated.validate_run(run, root, return_state=True).name or "")
            assert Staging(root, run.run_id).done("validate")

    steps()
    assert names == ["Completed", "Cached", "Completed"]


def test_a_failed_health_gate_ends_the_flow_run_as_failed(folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(request: RunRequest) -> Outcome:
        paths = dict.fromkeys(("folder", "report", "metrics"), Path("x"))
        counted: dict[str, Any] = {"counts": {}, "timings_s": {}, "summary": ()}
        return Outcome(run_id="abc", name="small", status="failed", reason="cash is missing.", digest="", is_new=True, **paths, **counted)

    monkeypatch.setattr("flows.nightly.wire", failed)
    name, fault = state_of(nightly_backtest(NightlyForm(config=str(folder / "small.yaml")), return_state=True))
    assert name == "Failed"
    assert isinstance(fault, RunFailed)
    assert fault.run_id == "abc"


def test_a_sweep_scores_its_trials_side_by_side_and_reuses_them(folder: Path, root: Path) -> None:
    form = SweepForm(config=str(folder / "sweep.yaml"))
    outcome = parameter_sweep(form)
    assert outcome.counts["trials"] == 4
    states = task_runs(form.label)
    assert sum(name.startswith("score trials") for name in states) == 4
    shutil.rmtree(root)
    again = parameter_sweep(form)
    assert again.digest == outcome.digest
    assert {state for name, (state, _) in task_runs(form.label).items() if name.startswith("score trials")} == {"Cached"}


def test_the_automation_for_lost_runs_is_laid_down_once_and_then_left_alone() -> None:
    async def twice() -> list[Any]:
        async with get_client() as client:
            await ensure_automations(client)
            (first,) = await client.read_automations_by_name(LOST_RUN)
            await ensure_automations(client)
            return [first, *await client.read_automations_by_name(LOST_RUN)]

    first, *after = asyncio.run(twice())
    assert [automation.id for automation in after] == [first.id]
    assert after[0].enabled


def test_retention_forgets_finished_flow_runs_and_keeps_recent_ones() -> None:
    with get_client(sync_client=True) as client:
        before = len(client.read_flow_runs())
        assert before > 0
        assert forget_flow_runs.fn(1) == 0
        assert len(client.read_flow_runs()) == before
        assert forget_flow_runs.fn(0) == before
        assert client.read_flow_runs() == []
