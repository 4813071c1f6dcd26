"""The base of every section of a run description, and the words sections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

SYMBOL_PATTERN = r"^[A-Z0-9^][A-Z0-9.^=\-]{0,19}$"
NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
# A day; a message that takes longer arrives in another session.
MOST_LATENCY_NS = 86_400_000_000_000

Symbol = Annotated[str, Field(pattern=SYMBOL_PATTERN, description="Ticker in capitals, as the provider spells it.")]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class Model(BaseModel):
    """Base of every section: frozen, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
