"""Agents of the simulated market: parameters that do not change, a state that does, and one compiled step.

An agent is declared once; its parameters are a frozen model that YAML is checked against, and the same fields become the record its step
reads. A step is ``step(market, me, p, state) -> None``: ``market`` and ``me`` are handed to the functions of
`marketsim.kernel.simulation.sight` and ``actions``, ``p`` is the parameters' record, ``state`` the agent's own record, zero at first.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import annotated_types
import numba
import numpy as np
import numpy.typing as npt
from numba.core import types
from numba.core.errors import NumbaError
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from marketsim.errors import ConfigError
from marketsim.kernel.compile import CACHE_FOLDER, cached_in, machine_address
from marketsim.kernel.simulation.world import AGENT_RECORD, WORLD_RECORD

Step = Callable[[Any, Any, Any, Any], None]


class AgentParams(BaseModel):
    """Frozen parameters of a compiled agent; each kind subclasses this and adds a ``kind`` literal.

    Fields are int, float, bool, a Literal of words, or a tuple of numbers with a ``max_length``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class CompiledAgent:
    """One kind of agent.

    Attributes
    ----------
    params : the model its parameters are checked against
    state : dtype of its state; every agent of the kind has one record, zero at first
    step : ``(market, me, p, state) -> None``, in the part of Python that Numba compiles
    hears_fills : whether it gets a turn when its orders trade
    hears_news : whether it gets a turn when news come out
    """

    params: type[AgentParams]
    state: np.dtype[Any]
    step: Step
    hears_fills: bool = False
    hears_news: bool = False

    @property
    def name(self) -> str:
        """Where the step is defined, ``module:function``."""
        return f"{self.step.__module__}:{self.step.__qualname__}"

    @property
    def parameters(self) -> np.dtype[Any]:
        """The record the step sees its parameters in.

        A number is a field of its own name; a word is its place in the Literal, from 0; a tuple is an array and its length ``n_<name>``.
        """
        return _parameters(self.params)


def compiled_agent(
    params: type[AgentParams], state: np.dtype[Any], *, hears_fills: bool = False, hears_news: bool = False
) -> Callable[[Step], CompiledAgent]:
    """Turn a step function into an agent that YAML can name as ``package.module:function``; nothing is compiled yet."""

    def declare(step: Step) -> CompiledAgent:
        return CompiledAgent(params, state, step, hears_fills, hears_news)

    return declare


def parameter_records(agent: CompiledAgent, params: Sequence[AgentParams | None]) -> npt.NDArray[np.void]:
    """Return the (n,) records of the parameters of agents of one kind."""
    # Most agents of a kind share one object.
    places: dict[int, int] = {}
    which = [places.setdefault(id(one), len(places)) for one in params]
    rows = np.zeros(len(places), agent.parameters)
    for place, k in zip(*np.unique(which, return_index=True), strict=True):
        _fill(rows[place : place + 1], agent, params[k])
    return rows[which]


def _fill(row: npt.NDArray[np.void], agent: CompiledAgent, params: AgentParams | None) -> None:
    for name, field in agent.params.model_fields.items():
        if name == "kind":
            continue
        value = getattr(params, name)
        if isinstance(value, tuple):
            row[name][0, : len(value)] = value
            row[f"n_{name}"] = len(value)
        elif isinstance(value, str):
            row[name] = typing.get_args(field.annotation).index(value)
        else:
            row[name] = value


def machine_code(agent: CompiledAgent) -> int:
    """Compile an agent's step, or fetch it from the cache, and return its address for the kernel.

    Raises
    ------
    ConfigError
        The step does not take (market, me, p, state), returns something, or does not compile.
    """
    wanted = ("market", "me", "p", "state")
    if len(inspect.signature(agent.step).parameters) != len(wanted):
        raise ConfigError(f"agent {agent.name} takes {inspect.signature(agent.step)}; a step takes ({', '.join(wanted)}).")
    arguments = (WORLD_RECORD, AGENT_RECORD, numba.from_dtype(agent.parameters), numba.from_dtype(agent.state))
    try:
        dispatcher = _dispatcher(agent)
        address = machine_address(dispatcher, *arguments)
    except NumbaError as error:
        raise ConfigError(f"agent {agent.name} does not compile: {_first_line(error)}") from error
    except KeyError as error:  # Numba's answer to a field a record does not have
        raise ConfigError(
            f"agent {agent.name} does not compile: neither its parameters, nor its state, nor market or me have a field {error}."
        ) from error
    except Exception as error:  # Numba's own slips over faulty code, such as a KeyError for a field that is not there
        raise ConfigError(f"agent {agent.name} does not compile: {type(error).__name__}: {error}; correct the step.") from error
    result = dispatcher.overloads[arguments].signature.return_type
    if result != types.none:
        raise ConfigError(f"agent {agent.name} returns {result}; a step returns nothing, it acts through send, cancel and wake_at.")
    return address


@functools.cache  # also keeps the machine code alive
def _dispatcher(agent: CompiledAgent) -> Any:
    source = inspect.getsourcefile(agent.step)
    digest = hashlib.sha256()
    # A built-in may share helpers with its neighbours; a user's agent keeps its own in its module.
    here = Path(__file__).parent
    is_built_in = source is not None and here in Path(source).parents
    files = sorted(here.rglob("*.py")) if is_built_in else [Path(source)] if source else []
    for path in files:
        digest.update(path.read_bytes())
    folder = None if CACHE_FOLDER is None or not files else CACHE_FOLDER / f"agents-{digest.hexdigest()[:12]}"
    return cached_in(folder, agent.step, boundscheck=not is_built_in)


@functools.cache
def _parameters(params: type[AgentParams]) -> np.dtype[Any]:
    fields: list[tuple[Any, ...]] = []
    # A kind's own fields first: Numba takes a record that begins like another for the same, and warns that it does.
    for name, field in reversed(params.model_fields.items()):
        if name != "kind":
            fields += _record_fields(name, field)
    return np.dtype(fields or [("nothing", np.int64)])


def _record_fields(name: str, field: FieldInfo) -> list[tuple[Any, ...]]:
    kind: Any = field.annotation
    if typing.get_origin(kind) is tuple:
        length = next((m.max_length for m in field.metadata if isinstance(m, annotated_types.MaxLen)), None)
        if length is None:
            raise TypeError(f"{name}: a tuple parameter needs a max_length")
        return [(name, _word(name, typing.get_args(kind)[0]), (length,)), (f"n_{name}", np.int64)]
    return [(name, _word(name, kind))]


def _word(name: str, kind: Any) -> type[np.generic]:
    if typing.get_origin(kind) is typing.Literal or kind in (int, bool):
        return np.int64
    if kind is float:
        return np.float64
    raise TypeError(f"{name}: a compiled agent's parameter is int, float, bool, a Literal or a tuple of numbers, not {kind}")


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("Failed in", "During:", "File"))]
    return (telling or lines or ["no reason given"])[0]
