"""What a person may choose when starting a run: the parameter models from which Prefect's UI builds its forms."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from flows.settings import PROJECT
from marketsim.config.model import Symbol
from tasks.references import RunRequest

CONFIGS = "configs"


def shipped_configs() -> list[str]:
    """Return the run descriptions in the project's folder, as the form offers them."""
    return sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / CONFIGS).glob("*.yaml"))


class RunForm(BaseModel):
    """A run and what differs from its file today; everything left empty stays as the file says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[str, Field(description="Run description.", json_schema_extra={"enum": shipped_configs()})] = f"{CONFIGS}/nightly.yaml"
    start: dt.date | None = Field(None, description="First session.")
    end: dt.date | None = Field(None, description="Last session.")
    symbols: list[Symbol] | None = Field(None, description="Tickers to trade, in capitals.")
    benchmark: Symbol | None = Field(None, description="Ticker the strategy is measured against.")
    cash: float | None = Field(None, gt=0, description="Starting cash of the strategy, in the account's currency.")
    seed: int | None = Field(None, ge=0, description="The one source of randomness.")
    overrides: dict[str, Any] = Field(default_factory=dict, description="Any other dotted key → value, e.g. strategy.window → 42.")

    @property
    def label(self) -> str:
        """Name of the flow run: the configuration, and what was changed."""
        changed = ", ".join(f"{key}={value}" for key, value in self.changes().items())
        return f"{Path(self.config).stem} ({changed})" if changed else Path(self.config).stem

    def changes(self) -> dict[str, Any]:
        """Return the dotted keys that differ from the file."""
        own = {
            "start": self.start,
            "end": self.end,
            "symbols": self.symbols,
            "benchmark": self.benchmark,
            "account.cash": self.cash,
            "seed": self.seed,
        }
        given = {key: value.isoformat() if isinstance(value, dt.date) else value for key, value in own.items() if value is not None}
        return given | self.overrides

    def request(self) -> RunRequest:
        """Return what the steps are asked for; a relative path starts at the project."""
        return RunRequest(config=PROJECT / self.config, overrides=self.changes())


class NightlyForm(RunForm):
    """The nightly backtest."""


class SweepForm(RunForm):
    """A parameter sweep; its file has a `sweep` section."""

    config: Annotated[str, Field(description="Run description with a sweep section.", json_schema_extra={"enum": shipped_configs()})] = (
        f"{CONFIGS}/sweep.yaml"
    )
    metric: str | None = Field(None, description="Measure that ranks the trials, e.g. sharpe, calmar, cagr.")

    def changes(self) -> dict[str, Any]:
        """Return the dotted keys that differ from the file."""
        return super().changes() | ({"sweep.metric": self.metric} if self.metric else {})


class WalkForwardForm(SweepForm):
    """A walk-forward; its file has a `sweep` and a `walk_forward` section."""

    config: Annotated[
        str, Field(description="Run description with a sweep and a walk_forward section.", json_schema_extra={"enum": shipped_configs()})
    ] = f"{CONFIGS}/walk_forward.yaml"
    train_bars: int | None = Field(None, ge=20, description="Bars of the window the parameters are chosen on.")
    test_bars: int | None = Field(None, ge=5, description="Bars traded with them before choosing again.")

    def changes(self) -> dict[str, Any]:
        """Return the dotted keys that differ from the file."""
        own = {"walk_forward.train_bars": self.train_bars, "walk_forward.test_bars": self.test_bars}
        return super().changes() | {key: value for key, value in own.items() if value is not None}
