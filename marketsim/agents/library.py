"""The traders that come with the product, and the loader for users' own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, ValidationError

from marketsim.agents.strategies.buy_and_hold import BuyAndHold, BuyAndHoldParams
from marketsim.agents.strategies.ema_mean_reversion import EmaMeanReversion, EmaMeanReversionParams
from marketsim.agents.strategies.inverse_volatility import InverseVolatility, InverseVolatilityParams
from marketsim.agents.strategies.retail_momentum import RetailMomentum, RetailMomentumParams
from marketsim.agents.strategies.sma_crossover import SmaCrossover, SmaCrossoverParams
from marketsim.agents.strategies.target_weights import TargetWeights, TargetWeightsParams
from marketsim.agents.strategy import Strategy, StrategyParams
from marketsim.errors import ConfigError
from marketsim.wording import expected, shown


class CustomParams(StrategyParams):
    """A strategy of the user's own, named by where it lives."""

    kind: str = Field(
        "custom",
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="`package.module:Class`, importable from where the command runs.",
    )
    params: dict[str, Any] = Field(default_factory=dict, description="Handed to the class's own `Params`.")


def _tag(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, Mapping) else getattr(value, "kind", None)
    return "custom" if isinstance(kind, str) and ":" in kind else str(kind)


StrategySpec = Annotated[
    Annotated[BuyAndHoldParams, Tag("buy_and_hold")]
    | Annotated[SmaCrossoverParams, Tag("sma_crossover")]
    | Annotated[EmaMeanReversionParams, Tag("ema_mean_reversion")]
    | Annotated[RetailMomentumParams, Tag("retail_momentum")]
    | Annotated[TargetWeightsParams, Tag("target_weights")]
    | Annotated[InverseVolatilityParams, Tag("inverse_volatility")]
    | Annotated[CustomParams, Tag("custom")],
    Discriminator(_tag),
]

_BUILT_IN: dict[type[StrategyParams], type[Strategy]] = {
    BuyAndHoldParams: BuyAndHold,
    SmaCrossoverParams: SmaCrossover,
    EmaMeanReversionParams: EmaMeanReversion,
    RetailMomentumParams: RetailMomentum,
    TargetWeightsParams: TargetWeights,
    InverseVolatilityParams: InverseVolatility,
}


def build(spec: StrategyParams, base_dir: Path | None = None) -> Strategy:
    """Return a fresh strategy for its parameters; files they name are looked up from ``base_dir``.

    Raises
    ------
    ConfigError
        A user's class cannot be imported, is not a `Strategy`, or refuses its parameters.
    """
    if isinstance(spec, TargetWeightsParams) and spec.holdings_file:
        spec = spec.model_copy(update={"holdings_file": str((base_dir or Path()) / spec.holdings_file)})
    if not isinstance(spec, CustomParams):
        return _BUILT_IN[type(spec)](spec)
    found = _imported(spec.kind)
    try:
        return found(found.Params.model_validate(spec.params))
    except ValidationError as error:
        raise ConfigError(f"strategy {spec.kind}: its params were refused: {_refused(found.Params, error)}.") from error
    except Exception as error:  # whatever a user's own constructor raises
        raise ConfigError(f"strategy {spec.kind}: cannot be built, {type(error).__name__}: {error}; correct the class.") from error


def _imported(kind: str) -> type[Strategy]:
    """Return the user's class, named as ``package.module:Class``."""
    module_name, _, class_name = kind.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise ConfigError(
            f"strategy {kind}: {error}; is {error.name or module_name} installed, or the folder that holds it on PYTHONPATH?"
        ) from error
    except Exception as error:  # whatever the user's own module raises
        raise ConfigError(
            f"strategy {kind}: importing {module_name} failed, {type(error).__name__}: {error}; correct the module."
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise ConfigError(f"strategy {kind}: module {module_name} has no class {class_name}; check the spelling.")
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ConfigError(f"strategy {kind}: is not a subclass of marketsim.agents.strategy.Strategy; derive it from there.")
    return found


def _refused(params: type[StrategyParams], error: ValidationError) -> str:
    """Put what a strategy's own parameters object to into one sentence, without the full stop."""
    reasons = []
    for fault in error.errors():
        key = ".".join(map(str, fault["loc"])) or "params"
        if fault["type"] == "extra_forbidden":
            allowed = ", ".join(sorted(params.model_fields.keys() - {"kind"})) or "nothing"
            reasons.append(f"{key} is unknown, allowed are {allowed}")
        else:
            reasons.append(f"{key} is {shown(fault['input'])}, expected {expected(fault)}")
    return "; ".join(reasons)


def source_file(spec: StrategyParams) -> Path | None:
    """Return the file a user's strategy is defined in, so that its content can count as code of the run; None for a built-in."""
    if not isinstance(spec, CustomParams):
        return None
    module_name = spec.kind.partition(":")[0]
    try:
        found = importlib.util.find_spec(module_name)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.origin:
        raise ConfigError(f"strategy {spec.kind}: no module {module_name}; is it installed, or the folder that holds it on PYTHONPATH?")
    return Path(found.origin)
