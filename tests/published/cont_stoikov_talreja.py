"""Cont, Stoikov and Talreja (2010), tables 3, 4 and 5: the exchange driven by their order flow, beside the printed and the exact figures.

An episode seeds the book with b orders at the bid and a at the ask one tick above, lets the crowd trade until the question is answered,
empties the book and begins again: an agent that calls the crowd's own step in between.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from marketsim.agents.background.cont_stoikov_talreja import STATE, ContStoikovTalrejaParams, cont_stoikov_talreja
from marketsim.agents.compiled import compiled_agent
from marketsim.kernel.book_state import NONE
from marketsim.kernel.compile import inner
from marketsim.kernel.memory import load_i64, store_i64
from marketsim.kernel.simulation.actions import CANCEL, GTC, LIMIT, cancel_all, letter_from, limit, new_order, wake_in
from marketsim.kernel.simulation.sight import best_tick, live_order, lot_at
from marketsim.markets.simulated.setting import Member, Setting
from marketsim.markets.simulated.world import World
from marketsim.records import Turn
from tests.published.cont_stoikov_talreja_exact import (
    SIZES,
    Numbers,
    exact_both_filled,
    exact_filled,
    exact_mid_up,
)
from tests.published.section import Section

# Rows: orders at the bid; columns: orders at the ask. Table 4 is printed under the title "probability of executing a bid order".
TABLE_3 = np.array(
    [[0.500, 0.336, 0.259, 0.216, 0.188], [0.664, 0.500, 0.407, 0.348, 0.307], [0.741, 0.593, 0.500, 0.437, 0.391],
     [0.784, 0.652, 0.563, 0.500, 0.452], [0.812, 0.693, 0.609, 0.548, 0.500]]
)  # fmt: skip
TABLE_4 = np.array(
    [[0.497, 0.641, 0.709, 0.749, 0.776], [0.302, 0.449, 0.535, 0.591, 0.631], [0.206, 0.336, 0.422, 0.483, 0.528],
     [0.152, 0.263, 0.344, 0.404, 0.452], [0.118, 0.213, 0.287, 0.346, 0.393]]
)  # fmt: skip
TABLE_5 = np.array(
    [[0.266, 0.308, 0.309, 0.300, 0.288], [0.308, 0.386, 0.406, 0.406, 0.400], [0.309, 0.406, 0.441, 0.452, 0.452],
     [0.300, 0.406, 0.452, 0.471, 0.479], [0.288, 0.400, 0.452, 0.479, 0.491]]
)  # fmt: skip

Question = Literal["mid_up", "bid_filled", "both_filled", "queue_grows"]
START = Turn.START.value
BID = 1_000_000  # ticks
SEED, SETTLE, RUN = 0, 1, 2
NO_ORDER = -2  # an id no order ever has
EPISODE_STATE = np.dtype([("stage", np.int64), ("bid_id", np.int64), ("ask_id", np.int64), ("over", np.int64), *STATE.descr])
crowd_turn = inner(cont_stoikov_talreja.step)


class EpisodeParams(ContStoikovTalrejaParams):
    """The crowd's rates and the question."""

    question: Question
    n_bid: int
    n_ask: int
    distance_tick: int = 1  # of the queue that grows or shrinks, from the ask
    n_queue: int = 0
    n_episodes: int
    results: int  # address of two int64: episodes that count, and those answered with yes


MID_UP, BID_FILLED, BOTH_FILLED, QUEUE_GROWS = range(4)


@compiled_agent(EpisodeParams, EPISODE_STATE)
def episodes(market, me, p, state):  # type: ignore[no-untyped-def]
    """Let the crowd act until the question is answered, again and again."""
    if me.turn == START:
        crowd_turn(market, me, p, state)
        return
    if state.stage == RUN:
        answer = _answer(market, p, state)
        if answer >= 0:
            store_i64(p.results, 0, load_i64(p.results, 0) + (answer != 2))
            store_i64(p.results, 1, load_i64(p.results, 1) + (answer == 1))
            state.over += 1
            state.stage = SEED
    if state.stage == SEED:
        _clean(market, me, state)
        if state.over < p.n_episodes:
            _seed(market, me, p, state)
            state.stage = SETTLE
            wake_in(market, me, 0)
        return
    if state.stage == SETTLE:
        state.planned_id = NO_ORDER  # what was drawn before the seeds were in the book does not happen
        state.stage = RUN
    crowd_turn(market, me, p, state)


@inner
def _answer(market, p, state):  # type: ignore[no-untyped-def]
    """Return 1 for yes, 0 for no, 2 for an episode that does not count, -1 while it is open."""
    bid, ask = best_tick(market, 0, 0, 1), best_tick(market, 0, 0, -1)
    if p.question == QUEUE_GROWS:
        waiting = lot_at(market, 0, 0, 1, BID + 1 - p.distance_tick)
        wanted = p.n_queue if p.distance_tick > 1 else p.n_bid
        if waiting != wanted:
            return int(waiting > wanted)
        return 2 if bid != BID or ask != BID + 1 else -1
    bid_filled = state.bid_id != NONE and live_order(market, state.bid_id) == NONE
    ask_filled = state.ask_id != NONE and live_order(market, state.ask_id) == NONE
    if (p.question == BID_FILLED and bid_filled) or (bid_filled and ask_filled):
        return 1
    if ask != BID + 1:
        return int(p.question == MID_UP)
    return 0 if bid != BID else -1


@inner
def _clean(market, me, state):  # type: ignore[no-untyped-def]
    cancel_all(market, me)
    for order_id in (state.bid_id, state.ask_id):
        if order_id != NONE and live_order(market, order_id) != NONE:
            message = letter_from(market, me, 0, 0)
            message.kind = CANCEL
            message.order_id = order_id
            message.owner_id = 0  # only an order's owner may cancel it


@inner
def _seed(market, me, p, state):  # type: ignore[no-untyped-def]
    state.bid_id = state.ask_id = NONE
    follows_bid, follows_ask = p.question in (BID_FILLED, BOTH_FILLED), p.question == BOTH_FILLED
    for _ in range(p.n_bid - follows_bid):
        limit(market, me, 1, BID, 1)
    for _ in range(p.n_ask - follows_ask):
        limit(market, me, -1, BID + 1, 1)
    for _ in range(p.n_queue):
        limit(market, me, 1, BID + 1 - p.distance_tick, 1)
    if follows_bid:
        state.bid_id = _strangers(market, me, 1, BID)
    if follows_ask:
        state.ask_id = _strangers(market, me, -1, BID + 1)


@inner
def _strangers(market, me, side, price_tick):  # type: ignore[no-untyped-def]
    """Send an order that is not the crowd's, so that the crowd does not cancel it."""
    message = new_order(market, me, 0, 0)
    message.kind, message.side, message.price_tick, message.qty_lot, message.tif = LIMIT, side, price_tick, 1, GTC
    message.owner_id = 0
    return message.order_id


def ask(question: Question, n_episodes: int, seed: int, **sizes: int) -> tuple[int, int]:
    """Return how many episodes counted and how many of them ended with yes."""
    results = np.zeros(2, np.int64)
    params = EpisodeParams(question=question, n_episodes=n_episodes, results=results.ctypes.data, **sizes)
    setting = Setting(((0, 4 * 10**18),), np.full((1, 1, 1), float(BID)))
    World(setting, [Member("crowd", episodes, params)], seed).run()
    return int(results[0]), int(results[1])


def table(question: Question, n_episodes: int, seed: int, sizes: tuple[int, ...] = SIZES) -> Numbers:
    """Return the share of episodes answered with yes, rows by orders at the bid, columns by orders at the ask."""
    ask("mid_up", 1, seed, n_bid=1, n_ask=1)  # compiled before the threads begin
    cells = [(b, a) for b in sizes for a in sizes]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda cell: ask(question, n_episodes, seed, n_bid=cell[0], n_ask=cell[1]), cells))
    return np.array([yes / counted for counted, yes in answers]).reshape(len(sizes), len(sizes))


def one_step(n_episodes: int, seed: int, distance_tick: int, n_queue: int) -> tuple[int, int]:
    """Return how often a queue of n orders changed, and how often it grew; the touch is kept still by 40 orders on each side."""
    if distance_tick == 1:
        return ask("queue_grows", n_episodes, seed, n_bid=n_queue, n_ask=40)
    return ask("queue_grows", n_episodes, seed, n_bid=40, n_ask=40, distance_tick=distance_tick, n_queue=n_queue)


def scores(measured: Numbers, exact: Numbers, n_episodes: int) -> Numbers:
    """Return how many standard errors the measured shares are away from the exact chances."""
    return (measured - exact) / np.sqrt(exact * (1 - exact) / n_episodes)


def report(full: bool) -> list[Section]:
    """Measure the three tables, 100,000 episodes a cell when ``full``, else 2,000."""
    n = 100_000 if full else 2_000
    questions: tuple[tuple[Question, str, Numbers, Numbers], ...] = (
        ("mid_up", "Table 3: the mid moves up", TABLE_3, exact_mid_up()),
        ("bid_filled", "Table 4: a bid order trades before the mid moves", 1 - TABLE_4.T, exact_filled()),
        ("both_filled", "Table 5: both orders trade before the mid moves", TABLE_5, exact_both_filled()),
    )
    sections = []
    for question, title, printed, exact in questions:
        measured = table(question, n, seed=2010)
        z = scores(measured, exact, n)
        text = (
            f"{n:,} episodes a cell; largest distance from the exact value {np.abs(z).max():.2f} standard errors, "
            f"sum of squares {np.square(z).sum():.1f} over 25 cells."
        )
        if question == "bid_filled":
            text += (
                " The printed table 4 is 1 − P(ε_a < σ_b): both queues changed over and the complement; printed here is what it says then."
            )
        rows = [
            (b, a, *(round(float(t[b - 1, a - 1]), 4) for t in (measured, exact, printed)), round(float(z[b - 1, a - 1]), 2))
            for b in SIZES
            for a in SIZES
        ]
        sections.append(Section(title, text, ("bid", "ask", "measured", "exact", "published", "z"), rows, _chart(rows)))
    return sections


def _chart(rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": [{"bid": b, "ask": str(a), "measured": m, "published": p} for b, a, m, _, p, _ in rows]},
        "width": 360,
        "encoding": {
            "x": {"field": "bid", "type": "ordinal", "title": "orders at the bid"},
            "color": {"field": "ask", "title": "at the ask"},
        },
        "layer": [
            {"mark": {"type": "line"}, "encoding": {"y": {"field": "published", "type": "quantitative", "title": "probability"}}},
            {"mark": {"type": "point"}, "encoding": {"y": {"field": "measured", "type": "quantitative"}}},
        ],
    }
