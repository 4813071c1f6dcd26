"""Every worked example of docs/concepts/replay.md: recorded events and orders in, exactly these fills out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from marketsim.markets.replay import ReplayRules
from marketsim.recorded import RecordedKind
from marketsim.records import Cancel, Kind, Liquidity, Order, Side
from tests.replay.recordings import DAY, SECOND, event, play, recording

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "replay.md"


def examples() -> list[Any]:
    blocks = re.findall(r"^## (.*?)$|^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    section, found = "", []
    for heading, block in blocks:
        section = re.sub(r"\W+", "_", heading.lower()).strip("_") or section
        if block:
            found.append(pytest.param(yaml.safe_load(block), id=f"{section}_{len(found)}"))
    return found


@pytest.mark.parametrize("example", examples())
def test_the_replay_market_fills_as_its_page_says(example: dict[str, Any]) -> None:
    rows, placed = [], {}
    for said in example["events"]:
        known = placed.get(said.get("id"), {})
        side, price = said.get("side", known.get("side")), said.get("price", known.get("price"))
        kind = RecordedKind[said["kind"].upper()]
        if kind == RecordedKind.ADD:
            placed[said["id"]] = said
        rows.append(event(said["at"], kind, round(price * 100), said.get("qty", 0), side=Side[side.upper()], id=said.get("id", 0)))
    rows.append(event(9.0, RecordedKind.QUOTE))
    script: dict[int, list[Order | Cancel]] = {}
    for said in example["orders"]:
        order = Order("A", Side[said["side"].upper()], said["qty"], Kind[said["kind"].upper()], said.get("limit", np.nan))
        script.setdefault(said["after_second"] - 1, []).append(order)
    for said in example.get("cancels", []):
        script.setdefault(said["after_second"] - 1, []).append(Cancel(said["order"]))
    rules = ReplayRules(order_latency_ns=example.get("latency_ms", 0) * 1_000_000, queue=example.get("queue", "at_back"))
    run = play(recording(rows), script, rules)
    got = [
        {
            "at": (int(f["time_ns"]) - DAY) / SECOND,
            "side": Side(int(f["side"])).name.lower(),
            "qty": float(f["qty"]),
            "price": float(f["price"]),
            "liquidity": Liquidity(int(f["liquidity"])).name.lower(),
        }
        for f in run.fills
    ]
    assert got == example["fills"]


def test_the_page_holds_an_example_of_every_rule_it_states() -> None:
    assert len(examples()) == 6
