"""What must hold on any sequence of messages where price bands or the short-sale rule watch: no trade outside, no short sale at the bid."""

from __future__ import annotations

import numpy as np
import pytest
from flows_of_messages import RULES, random_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from marketsim.exchange import Exchange
from marketsim.records import MESSAGE, EventKind, Flag, Kind, Phase, Side

SEEDS = st.integers(0, 2**32 - 1)
BANDED = [rules for rules in RULES if rules.price_bands]
SHORT_RULED = [rules for rules in RULES if rules.short_sales]


def one_by_one(exchange: Exchange, messages: np.ndarray):
    """Send each message after a CLOCK of its time, so that what is due has happened before it is looked at; yield (message, tape)."""
    clock = np.zeros(1, MESSAGE)
    clock["kind"] = Kind.CLOCK
    for k in range(len(messages)):
        clock["time_ns"] = messages["time_ns"][k]
        exchange.send(clock)
        before = [exchange.status(symbol=symbol) for symbol in (0, 1)], [exchange.depth(symbol=symbol)[0] for symbol in (0, 1)]
        yield messages[k], exchange.send(messages[k : k + 1]), *before


@pytest.mark.parametrize("rules", BANDED)
@settings(max_examples=15)
@given(seed=SEEDS)
def test_no_trade_of_continuous_trading_prints_outside_the_bands(rules, seed):
    """Those in force when the message came, or those published while its stops were triggered one after the other."""
    messages = random_messages(np.random.default_rng(seed), 300, phases=True)
    for _, tape, statuses, _ in one_by_one(Exchange(rules, symbols=2), messages):
        for trade in tape.trades[tape.trades["phase"] == Phase.CONTINUOUS]:
            status = statuses[trade["symbol"]]
            published = tape.events[(tape.events["kind"] == EventKind.BAND) & (tape.events["symbol"] == trade["symbol"])]
            bounds = {Side.BUY: [status.upper_tick], Side.SELL: [status.lower_tick]}
            for event in published:
                bounds[Side(event["side"])].append(event["price_tick"])
            if None not in bounds[Side.BUY]:
                assert min(bounds[Side.SELL]) <= trade["price_tick"] <= max(bounds[Side.BUY])


@pytest.mark.parametrize("rules", BANDED)
@settings(max_examples=15)
@given(seed=SEEDS)
def test_the_book_lies_inside_its_bands_and_is_not_crossed_while_it_trades(rules, seed):
    messages = random_messages(np.random.default_rng(seed), 300, phases=True)
    exchange = Exchange(rules, symbols=2)
    for _ in one_by_one(exchange, messages):
        for symbol in (0, 1):
            status, (touch,) = exchange.status(symbol=symbol), exchange.depth(symbol=symbol)
            if status.phase != Phase.CONTINUOUS:
                continue
            if touch["bid_lot"] and touch["ask_lot"]:
                assert touch["bid_tick"] < touch["ask_tick"]
            if status.upper_tick is not None:
                assert not touch["bid_lot"] or touch["bid_tick"] <= status.upper_tick
                assert not touch["ask_lot"] or touch["ask_tick"] >= status.lower_tick
                at_band = (touch["bid_lot"] and touch["bid_tick"] == status.upper_tick) or (
                    touch["ask_lot"] and touch["ask_tick"] == status.lower_tick
                )
                assert status.in_limit_state == bool(at_band)


@pytest.mark.parametrize("rules", SHORT_RULED)
@settings(max_examples=25)
@given(seed=SEEDS)
def test_no_short_sale_prints_at_or_below_the_best_bid_while_restricted(rules, seed):
    rng = np.random.default_rng(seed)
    messages = random_messages(rng, 400, phases=True, faulty=0.0)
    messages = messages[np.isin(messages["kind"], [Kind.LIMIT, Kind.MARKET, Kind.CANCEL, Kind.PREVIOUS_CLOSE, Kind.PHASE])]
    n = len(messages)
    news = np.arange(n)
    messages["order_id"] = np.where(messages["kind"] == Kind.CANCEL, rng.integers(0, news + 1), news)
    messages["price_tick"] = np.where(messages["kind"] == Kind.PREVIOUS_CLOSE, 110, messages["price_tick"])
    short = messages["flags"] & Flag.SHORT != 0
    for _, tape, statuses, touches in one_by_one(Exchange(rules, symbols=2), messages):
        for trade in tape.trades[tape.trades["phase"] == Phase.CONTINUOUS]:
            touch = touches[trade["symbol"]]
            seller = trade["taker_id"] if trade["aggressor"] == Side.SELL else trade["maker_id"]
            if statuses[trade["symbol"]].shorts_restricted and short[seller] and touch["bid_lot"]:
                assert trade["price_tick"] > touch["bid_tick"]


def test_the_flows_do_reach_what_these_properties_are_about():
    """A property that nothing ever tests would hold as well."""
    seen: set[int] = set()
    reasons: set[int] = set()
    for seed, rules in enumerate(RULES):
        tape = Exchange(rules, symbols=2).send(random_messages(np.random.default_rng(seed), 3000, phases=seed % 2 == 0))
        seen |= set(tape.events["kind"].tolist())
        reasons |= set(tape.events["reason"].tolist())
    assert seen == set(EventKind)
    assert {37, 38, 39} <= reasons
