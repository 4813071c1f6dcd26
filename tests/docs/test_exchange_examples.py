"""Every worked example of docs/concepts/exchange.md: messages in, exactly these trades and events out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side, Tif
from marketsim.venue_rules import VenueRules

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "exchange.md"
FIELDS = {"id": "order_id", "lots": "qty_lot", "price": "price_tick", "stop": "stop_tick", "display": "display_lot"}
FIELDS |= {"owner": "owner_id", "time": "time_ns", "expire": "expire_ns", "minimum": "min_qty_lot"}
NAMED = {"kind": Kind, "side": Side, "tif": Tif, "flags": Flag}


def examples() -> list[Any]:
    blocks = re.findall(r"^## (.*?)$|^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    section, found = "", []
    for heading, block in blocks:
        section = re.sub(r"\W+", "_", heading.lower()).strip("_") or section
        if block:
            found.append(pytest.param(yaml.safe_load(block), id=f"{section}_{len(found)}"))
    return found


def message(row: dict[str, Any]) -> dict[str, int]:
    fields: dict[str, int] = {}
    for name, value in row.items():
        if name == "phase":
            fields["qty_lot"] = Phase[value.upper()]
        elif name in NAMED:
            fields[name] = int(NAMED[name][value.upper()])
        else:
            fields[FIELDS[name]] = value
    return fields


@pytest.mark.parametrize("example", examples())
def test_worked_example(example):
    exchange = Exchange(VenueRules.plain(**example.get("rules", {})))
    for row in example["messages"]:
        exchange.submit(**message(row))
    tape = exchange.take()
    if "trades" in example:
        names = {"maker": "maker_id", "taker": "taker_id", "lots": "qty_lot", "price": "price_tick"}
        assert [{short: int(trade[name]) for short, name in names.items()} for trade in tape.trades] == example["trades"]
    if "events" in example:
        told = [(e.get("id", -1), e["event"], e.get("reason", "none")) for e in example["events"]]
        assert [(int(e["order_id"]), EventKind(e["kind"]).name.lower(), Reason(e["reason"]).name.lower()) for e in tape.events] == told


def test_every_example_says_what_comes_out():
    assert len(examples()) >= 16
    assert all("trades" in example.values[0] or "events" in example.values[0] for example in examples())
