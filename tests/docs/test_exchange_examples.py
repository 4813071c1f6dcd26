"""Every worked example of docs/concepts/exchange.md: messages in, exactly these trades and events out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, Reason, Routing, Side, Tif
from marketsim.router import Link, Parent, arrivals
from marketsim.session_rules import BandWidth, BreakerLevel, CircuitBreakers, PriceBands, ShortSales
from marketsim.timetable import AuctionCutoffs, Timetable
from marketsim.venue_rules import Fees, VenueRules

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "exchange.md"
FIELDS = {"id": "order_id", "lots": "qty_lot", "price": "price_tick", "stop": "stop_tick", "display": "display_lot", "symbol": "symbol"}
FIELDS |= {"owner": "owner_id", "time": "time_ns", "expire": "expire_ns", "minimum": "min_qty_lot", "venue": "venue"}
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
        "fees": lambda f: Fees(**f),
        "price_bands": lambda f: PriceBands(**f | {"first_tier": tuple(BandWidth(**width) for width in f["first_tier"])}),
        "circuit_breakers": lambda f: CircuitBreakers(tuple(BreakerLevel(**level) for level in f)),
        "short_sales": lambda f: ShortSales(**f),
        "cutoffs": lambda f: AuctionCutoffs(**f),
        "timetable": lambda f: Timetable(tuple((time, Phase[phase.upper()]) for time, phase in f)),
    }
    return VenueRules.plain(**{name: records[name](value) if name in records else value for name, value in fields.items()})


def parent(row: dict[str, Any]) -> Parent:
    """An order to be split; ids count from the one given."""
    named = {"side": Side[row["side"].upper()], "strategy": Routing[row["strategy"].upper()]}
    fields = {"lots": "qty_lot", "limit": "limit_tick", "id": "order_id", "time": "time_ns"}
    return Parent(**named | {fields.get(name, name): value for name, value in row.items() if name not in {*named, "latencies_ns"}})


def route_as_told(example: dict[str, Any], exchange: Exchange) -> None:
    """Send the orders a router makes of ``routes``, together, and compare what it sent."""
    at_once = [0] * len(exchange.rules)
    split = [exchange.route(parent(row), [Link(ns) for ns in row.get("latencies_ns", at_once)]) for row in example["routes"]]
    names = {"id": "order_id", "venue": "venue", "lots": "qty_lot", "price": "price_tick"}
    found = [{short: int(child[name]) for short, name in names.items()} for children in split for child in children]
    assert found == example["children"]
    exchange.process_only(arrivals(*split))


def standing(exchange: Exchange) -> dict[str, Any]:
    """The consolidated quote in the words of an example."""
    quote = exchange.consolidated()
    bids, asks = ([v for v in range(len(exchange.rules)) if mask >> v & 1] for mask in (quote.bid_venues, quote.ask_venues))
    return {
        "bid": {"price": quote.bid_tick, "lots": quote.bid_lot, "venues": bids},
        "ask": {"price": quote.ask_tick, "lots": quote.ask_lot, "venues": asks},
        "state": quote.state.name.lower(),
    }


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
    exchange = Exchange([rules(fields) for fields in example.get("venues", [example.get("rules", {})])])
    for row in example["messages"]:
        exchange.submit(**message(row))
    if "routes" in example:
        route_as_told(example, exchange)
    if "consolidated" in example:
        assert standing(exchange) == example["consolidated"]
    tape = exchange.take()
    if "trades" in example:
        names = {"maker": "maker_id", "taker": "taker_id", "lots": "qty_lot", "price": "price_tick"}
        assert [{short: int(trade[name]) for short, name in names.items()} for trade in tape.trades] == example["trades"]
    if "events" in example:
        expected = [{"id": -1, "reason": "none"} | event for event in example["events"]]
        blank: list[dict[str, Any]] = [{}] * max(0, len(tape.events) - len(expected))
        assert [told(event, fields) for event, fields in zip(tape.events, expected + blank, strict=False)] == expected


def test_every_example_says_what_comes_out():
    assert len(examples()) >= 30
    outcomes = {"trades", "events", "consolidated", "children"}
    assert all(outcomes & set(example.values[0]) for example in examples())
