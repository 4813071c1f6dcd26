"""Every worked example of docs/concepts/exchange.md: messages in, exactly these trades and events out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Side, Tif
from marketsim.session_rules import BandWidth, BreakerLevel, CircuitBreakers, PriceBands, ShortSales
from marketsim.timetable import AuctionCutoffs, Timetable
from marketsim.venue_rules import VenueRules

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "exchange.md"
FIELDS = {"id": "order_id", "lots": "qty_lot", "price": "price_tick", "stop": "stop_tick", "display": "display_lot"}
FIELDS |= {"owner": "owner_id", "time": "time_ns", "expire": "expire_ns", "minimum": "min_qty_lot", "symbol": "symbol"}
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


def rules(fields: dict[str, Any]) -> VenueRules:
    records = {
        "price_bands": lambda f: PriceBands(**f | {"first_tier": tuple(BandWidth(**width) for width in f["first_tier"])}),
        "circuit_breakers": lambda f: CircuitBreakers(tuple(BreakerLevel(**level) for level in f)),
        "short_sales": lambda f: ShortSales(**f),
        "cutoffs": lambda f: AuctionCutoffs(**f),
        "timetable": lambda f: Timetable(tuple((time, Phase[phase.upper()]) for time, phase in f)),
    }
    return VenueRules.plain(**{name: records[name](value) if name in records else value for name, value in fields.items()})


def told(event: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """What an event says about the fields an example names; the id and the reason are always compared."""
    side = int(event["side"])
    everything = {
        "id": int(event["order_id"]),
        "event": EventKind(event["kind"]).name.lower(),
        "reason": Reason(event["reason"]).name.lower(),
        "side": Side(side).name.lower() if side else None,
        "price": int(event["price_tick"]),
        "lots": int(event["qty_lot"]),
        "time": int(event["time_ns"]),
    }
    return {name: value for name, value in everything.items() if name in fields or name in ("id", "event", "reason")}


@pytest.mark.parametrize("example", examples())
def test_worked_example(example):
    exchange = Exchange(rules(example.get("rules", {})))
    for row in example["messages"]:
        exchange.submit(**message(row))
    tape = exchange.take()
    if "trades" in example:
        names = {"maker": "maker_id", "taker": "taker_id", "lots": "qty_lot", "price": "price_tick"}
        assert [{short: int(trade[name]) for short, name in names.items()} for trade in tape.trades] == example["trades"]
    if "events" in example:
        expected = [{"id": -1, "reason": "none"} | event for event in example["events"]]
        blank: list[dict[str, Any]] = [{}] * max(0, len(tape.events) - len(expected))
        assert [told(event, fields) for event, fields in zip(tape.events, expected + blank, strict=False)] == expected


def test_every_example_says_what_comes_out():
    assert len(examples()) >= 22
    assert all("trades" in example.values[0] or "events" in example.values[0] for example in examples())
