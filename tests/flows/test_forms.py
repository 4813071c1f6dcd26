"""The forms of the flows and the deployments that fill them in."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from pydantic import ValidationError

from flows.forms import NightlyForm, RunForm, SweepForm, WalkForwardForm
from flows.retention import RetentionForm
from flows.settings import PROJECT
from marketsim.config.file import load_spec

DEPLOYMENTS = yaml.safe_load((PROJECT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[Any, Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    flow = getattr(importlib.import_module(module), name)
    assert isinstance(flow, Flow)
    return flow


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_deployment_names_a_flow_that_takes_its_parameters(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    filled = flow.validate_parameters(deployment["parameters"])
    for form in filled.values():
        if isinstance(form, RunForm):
            spec = load_spec(form.request().config, form.request().overrides)
            assert (spec.sweep is not None) == isinstance(form, SweepForm)
            assert (spec.walk_forward is not None) == isinstance(form, WalkForwardForm)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda d: d["name"])
def test_every_deployment_runs_once_at_a_time_on_our_pool(deployment: dict[str, Any]) -> None:
    assert deployment["work_pool"] == {"name": "marketsim"}
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert "marketsim" in deployment["tags"]


def test_the_nightly_schedule_follows_the_new_york_close_through_daylight_saving() -> None:
    import datetime as dt

    from prefect.client.schemas.schedules import CronSchedule

    (schedule,) = next(d for d in DEPLOYMENTS if d["name"] == "nightly")["schedules"]
    parsed = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    import asyncio

    from prefect.server.schemas.schedules import CronSchedule as Server

    start = dt.datetime(2024, 3, 7, 0, 0, tzinfo=ZoneInfo("America/New_York"))
    dates = asyncio.run(Server(**parsed.model_dump()).get_dates(4, start=start))
    assert [d.astimezone(ZoneInfo("America/New_York")).strftime("%a %H:%M") for d in dates] == [
        "Thu 18:30",
        "Fri 18:30",
        "Mon 18:30",
        "Tue 18:30",
    ]
    assert [d.astimezone(dt.UTC).hour for d in dates] == [23, 23, 22, 22]


@pytest.mark.parametrize("form", [NightlyForm, SweepForm, WalkForwardForm, RetentionForm])
def test_every_field_of_a_form_is_described(form: type[NightlyForm]) -> None:
    assert all(field.description for field in form.model_fields.values())


def test_a_form_left_empty_changes_nothing() -> None:
    assert NightlyForm().changes() == {}
    assert NightlyForm().label == "nightly"


def test_what_is_filled_in_becomes_overrides_of_the_file() -> None:
    form = NightlyForm.model_validate(
        {"start": "2006-01-03", "symbols": ["AAPL"], "cash": 5000, "seed": 9, "overrides": {"strategy.window": 42}}
    )
    spec = load_spec(form.request().config, form.request().overrides)
    assert (spec.start.isoformat(), spec.symbols, spec.account.cash, spec.seed) == ("2006-01-03", ["AAPL"], 5000.0, 9)
    assert spec.strategy.model_dump()["window"] == 42
    assert form.label == "nightly (start=2006-01-03, symbols=['AAPL'], account.cash=5000.0, seed=9, strategy.window=42)"


def test_a_walk_forward_form_reaches_its_windows() -> None:
    form = WalkForwardForm(train_bars=100, test_bars=20, metric="calmar")
    spec = load_spec(form.request().config, form.request().overrides)
    assert spec.walk_forward is not None
    assert spec.sweep is not None
    assert (spec.walk_forward.train_bars, spec.walk_forward.test_bars, spec.sweep.metric) == (100, 20, "calmar")


@pytest.mark.parametrize("wrong", [{"cash": -1}, {"symbols": ["aapl"]}, {"confg": "x"}, {"seed": -1}, {"start": "soon"}])
def test_a_form_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NightlyForm.model_validate(wrong)


def test_the_form_offers_every_shipped_configuration() -> None:
    offered = NightlyForm.model_json_schema()["properties"]["config"]["enum"]
    assert set(offered) == {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "configs").glob("*.yaml")}
    assert all(Path(PROJECT / name).is_file() for name in offered)
