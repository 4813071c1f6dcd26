"""Every worked example of docs/concepts/exchange.md: messages in, exactly these trades and events out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from marketsim.exchange import Exchange
from marketsim.records import EventKind, Flag, Kind, Phase, QuoteState, Reason, Routing, Side, Tif
from marketsim.router import Link, Parent, arrivals
from marketsim.venue_rules import Fees, VenueRules

PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "exchange.md"
FIELDS = {"id": "order_id", "lots": "qty_lot", "price": "price_tick", "stop": "stop_tick", "display": "display_lot"}
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


def venue_rules(row: dict[str, Any]) -> VenueRules:
    return VenueRules.plain(**row | ({"fees": Fees(**row["fees"])} if "fees" in row else {}))


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


@pytest.mark.parametrize("example", examples())
def test_worked_example(example):
    exchange = Exchange([venue_rules(row) for row in example.get("venues", [example.get("rules", {})])])
    for row in example["messages"]:
        exchange.submit(**message(row))
    if "routes" in example:
        route_as_told(example, exchange)
    if "consolidated" in example:
        quote, told = exchange.consolidated(), example["consolidated"]
        venues = [[v for v in range(len(exchange.rules)) if mask >> v & 1] for mask in (quote.bid_venues, quote.ask_venues)]
        assert told["bid"] == {"price": quote.bid_tick, "lots": quote.bid_lot, "venues": venues[0]}
        assert told["ask"] == {"price": quote.ask_tick, "lots": quote.ask_lot, "venues": venues[1]}
        assert QuoteState[told["state"].upper()] == quote.state
    tape = exchange.take()
    if "trades" in example:
        names = {"maker": "maker_id", "taker": "taker_id", "lots": "qty_lot", "price": "price_tick"}
        assert [{short: int(trade[name]) for short, name in names.items()} for trade in tape.trades] == example["trades"]
    if "events" in example:
        told = [(e.get("id", -1), e["event"], e.get("reason", "none")) for e in example["events"]]
        assert [(int(e["order_id"]), EventKind(e["kind"]).name.lower(), Reason(e["reason"]).name.lower()) for e in tape.events] == told


def test_every_example_says_what_comes_out():
    assert len(examples()) >= 16
    outcomes = {"trades", "events", "consolidated", "children"}
    assert all(outcomes & set(example.values[0]) for example in examples())
